package io.kvwire.rdma;

import io.kvwire.transport.Access;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DataLink;
import io.kvwire.transport.spi.DataPath;
import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.DeviceReach;
import io.kvwire.transport.spi.LinkHandler;
import io.kvwire.transport.spi.LinkSetup;
import io.kvwire.transport.spi.Pace;

import java.lang.foreign.MemorySegment;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/** The RDMA wire of one node: its rails, and the links to its peers. Thread-safe. */
final class RdmaDataPath implements DataPath {
    /** The name of the path. */
    static final String NAME = "rdma";

    private static final System.Logger LOG = System.getLogger("io.kvwire.rdma");
    private static final byte VERSION = 1;
    private static final int PACKET_BITS = 24;

    private final NodeConfig config;
    private final RdmaOptions options;
    private final Verbs verbs;
    private final Optional<Pace> pace;
    private final List<Rail> rails = new ArrayList<>();
    private final DeviceSegments devices = new DeviceSegments();
    private final List<String> passed;
    private final Set<RdmaLink> links = ConcurrentHashMap.newKeySet();
    private final SecureRandom random = new SecureRandom();
    private boolean closed;

    RdmaDataPath(NodeConfig config, RdmaOptions options, Verbs verbs, RailChoice choice) {
        this.config = config;
        this.options = options;
        this.verbs = verbs;
        passed = choice.passed();
        pace = config.bytesPerSecond().stream().mapToObj(Pace::new).findFirst();
        try {
            for (var pick : choice.rails()) {
                var device = verbs.open(pick.port().device());
                rails.add(new Rail(pick, device, devices, options, config.name()));
            }
        } catch (TransferException e) {
            rails.forEach(Rail::close);
            throw e;
        }
    }

    /** Starts the threads. */
    RdmaDataPath start() {
        rails.forEach(Rail::start);
        return this;
    }

    @Override
    public String name() {
        return NAME;
    }

    /** Only a version: the queue pairs of each link are told over its own exchange. */
    @Override
    public byte[] endpoint() {
        return new byte[] {VERSION};
    }

    @Override
    public CompletableFuture<DataLink> connect(LinkSetup setup, LinkHandler handler) {
        var link = open(setup, handler);
        link.open(true);
        return link.ready();
    }

    @Override
    public CompletableFuture<DataLink> accept(LinkSetup setup, LinkHandler handler) {
        var link = open(setup, handler);
        link.open(false);
        return link.ready();
    }

    private RdmaLink open(LinkSetup setup, LinkHandler handler) {
        var link = new RdmaLink(this, setup, handler, random.nextLong());
        boolean late;
        synchronized (this) {
            late = closed;
            links.add(link);
        }
        if (late) {
            link.close(
                    new TransferException(
                            ErrorCode.CLOSED, "node '" + config.name() + "' is closed"));
        } else if (setup.endpoint().length != 1 || setup.endpoint()[0] != VERSION) {
            link.close(
                    new TransferException(
                            ErrorCode.VERSION_MISMATCH,
                            "'"
                                    + setup.peerName()
                                    + "' has another version of the rdma wire: use the same"
                                    + " release at both ends"));
        }
        return link;
    }

    void ended(RdmaLink link) {
        links.remove(link);
    }

    RdmaOptions options() {
        return options;
    }

    Optional<Pace> pace() {
        return pace;
    }

    List<Rail> rails() {
        return rails;
    }

    /** {@return why other ports are not used} */
    List<String> passed() {
        return passed;
    }

    String provider() {
        return verbs.name();
    }

    /** {@return whether links that this node opens use the connection manager} */
    boolean managed() {
        return managed(verbs, options);
    }

    static boolean managed(Verbs verbs, RdmaOptions options) {
        return switch (options.connect()) {
            case AUTO -> verbs.unexchangeable().isPresent();
            case EXCHANGE -> false;
            case CM -> true;
        };
    }

    /** Refuses a way to connect that the provider has not. */
    void require(boolean managed) {
        require(verbs, managed);
    }

    static void require(Verbs verbs, boolean managed) {
        var reason = managed ? verbs.unmanageable() : verbs.unexchangeable();
        reason.ifPresent(why -> {
            throw new TransferException(
                    ErrorCode.PATH_UNAVAILABLE,
                    "queue pairs cannot be connected "
                            + (managed ? "through rdma_cm: " : "by exchange: ")
                            + why);
        });
    }

    int mtuBytes(Rail rail) {
        int active = rail.pick().port().activeMtuBytes();
        return options.mtuBytes() == 0 ? active : Math.min(active, options.mtuBytes());
    }

    /** {@return the settings of a new queue pair} */
    QueueSpec spec(Rail rail) {
        var limits = rail.device().limits();
        return new QueueSpec(
                Math.min(options.sendDepth(), limits.queueDepth()),
                Math.min(options.gathers(), limits.gathers()),
                options.inlineBytes(),
                rail.pick().gid(),
                random.nextInt(1 << PACKET_BITS),
                mtuBytes(rail),
                Math.min(options.atomics(), limits.atomics()),
                options.timeout(),
                options.retries(),
                options.notReadyRetries(),
                options.notReadyTimer(),
                options.trafficClass(),
                options.serviceLevel(),
                options.hopLimit(),
                options.credits());
    }

    /** Registers memory ahead of its first transfer, which would have to wait for it. */
    @Override
    public void memoryAdded(MemorySegment memory, Access access) {
        for (var rail : rails) {
            try {
                var registrations = rail.registrations();
                registrations.release(registrations.acquire(memory, bits(rail, access)));
            } catch (TransferException e) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        () ->
                                "node '"
                                        + config.name()
                                        + "': "
                                        + memory.byteSize()
                                        + " bytes are not registered with "
                                        + rail.pick().port().label()
                                        + ": "
                                        + e.getMessage());
            }
        }
    }

    /** {@return what memory is registered for} */
    private static int bits(Rail rail, Access access) {
        int remote =
                (access.writable() ? MemoryAccess.REMOTE_WRITE : 0)
                        | (access.readable() ? MemoryAccess.REMOTE_READ : 0);
        int shown = rail.windows() && remote != 0 ? MemoryAccess.WINDOW_BIND : remote;
        return MemoryAccess.LOCAL_WRITE | shown;
    }

    /** Takes memory of a device when the NICs of all rails can reach it. */
    @Override
    public DeviceReach deviceMemoryAdded(MemorySegment memory, DeviceMemory device, Access access) {
        devices.add(memory, device);
        var ways = new LinkedHashSet<String>();
        for (var rail : rails) {
            var label = rail.pick().port().label();
            try {
                ways.add(rail.registrations().keep(memory, bits(rail, access)) + " by " + label);
            } catch (TransferException e) {
                memoryRemoved(memory);
                return DeviceReach.staged(label + ": " + e.getMessage());
            }
        }
        return DeviceReach.direct(String.join(", ", ways));
    }

    @Override
    public void memoryRemoved(MemorySegment memory) {
        if (devices.remove(memory)) {
            rails.forEach(rail -> rail.registrations().removed(memory));
        }
    }

    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
        }
        var reason =
                new TransferException(ErrorCode.CLOSED, "node '" + config.name() + "' was closed");
        var ending = links.stream().map(RdmaLink::finished).toArray(CompletableFuture<?>[]::new);
        links.forEach(link -> link.close(reason));
        if (rails.stream().flatMap(rail -> rail.pollers().stream()).anyMatch(Poller::onThread)) {
            // A callback closes the node: its thread has to return before the lanes can end.
            Thread.ofPlatform()
                    .daemon()
                    .name("kvwire-" + config.name() + "-rdma-close")
                    .start(() -> end(ending));
        } else {
            end(ending);
        }
    }

    private void end(CompletableFuture<?>[] ending) {
        CompletableFuture.allOf(ending).join();
        rails.forEach(Rail::close);
    }
}
