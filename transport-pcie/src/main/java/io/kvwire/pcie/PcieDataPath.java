package io.kvwire.pcie;

import io.kvwire.ffi.linux.Credentials;
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
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/** The same-host wire of one node: its socket, and the links to its peers. Thread-safe. */
final class PcieDataPath implements DataPath {
    /** The name of the path. */
    static final String NAME = "pcie";

    private final NodeConfig config;
    private final PcieOptions options;
    private final Optional<Pace> pace;
    private final Wakefulness wakefulness =
            new Wakefulness(Runtime.getRuntime().availableProcessors());
    private final Endpoint endpoint;
    private final Door door;
    private final Set<PcieLink> links = ConcurrentHashMap.newKeySet();

    /** What is registered, and how many times. */
    private final IdentityHashMap<MemorySegment, Integer> registered = new IdentityHashMap<>();

    /** As that, of devices. */
    private final DeviceRegistrations ofDevices = new DeviceRegistrations();

    private final Marks marks = new Marks();
    private boolean closed;

    PcieDataPath(NodeConfig config, PcieOptions options) {
        this.config = config;
        this.options = options;
        pace = config.bytesPerSecond().stream().mapToObj(Pace::new).findFirst();
        var boot = Endpoint.thisBoot();
        var directory = SocketDirectory.open(options.directory());
        directory.clean();
        var listening = directory.listen();
        endpoint = new Endpoint(boot, Credentials.ownUser(), listening.path());
        door = new Door(config.name(), options, listening, this::lookAfterMessages);
        door.start();
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public byte[] endpoint() {
        return endpoint.encode();
    }

    /** Goes to the peer's socket and looks who is there: what is nearer than that is no proof. */
    @Override
    public Optional<String> unreachable(byte[] peer) {
        try {
            var there = Endpoint.decode(peer);
            if (!there.boot().equals(endpoint.boot())) {
                return Optional.of("the peer is on another host");
            }
            if (there.user() != endpoint.user()) {
                return Optional.of(
                        "the peer runs as user "
                                + there.user()
                                + ", this node as user "
                                + endpoint.user());
            }
            Dialing.connect(there).close();
            return Optional.empty();
        } catch (TransferException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }

    @Override
    public CompletableFuture<DataLink> connect(LinkSetup setup, LinkHandler handler) {
        var link = open(setup, handler);
        link.opening().connect();
        return link.ready();
    }

    @Override
    public CompletableFuture<DataLink> accept(LinkSetup setup, LinkHandler handler) {
        var link = open(setup, handler);
        link.opening().accept();
        return link.ready();
    }

    private PcieLink open(LinkSetup setup, LinkHandler handler) {
        var link = new PcieLink(this, setup, handler);
        boolean late;
        synchronized (this) {
            late = closed;
            links.add(link);
        }
        if (late) {
            link.close(
                    new TransferException(
                            ErrorCode.CLOSED, "node '" + config.name() + "' is closed"));
        }
        return link;
    }

    void ended(PcieLink link) {
        links.remove(link);
    }

    /** {@return whether there are links; delivers messages that their lanes are too busy for} */
    private boolean lookAfterMessages() {
        links.forEach(PcieLink::lookAfterMessages);
        return !links.isEmpty();
    }

    /** {@return the longest message of a session} */
    int maxMessageBytes() {
        return config.limits().maxControlBytes();
    }

    PcieOptions options() {
        return options;
    }

    Optional<Pace> pace() {
        return pace;
    }

    Wakefulness wakefulness() {
        return wakefulness;
    }

    Door door() {
        return door;
    }

    String threadName(String peer, String what) {
        return "kvwire-" + config.name() + "-pcie-" + peer + "-" + what;
    }

    // ---- memory ---------------------------------------------------------------------------------

    /** {@return the memory that is registered} */
    List<MemorySegment> registered() {
        synchronized (registered) {
            return List.copyOf(registered.keySet());
        }
    }

    /** {@return how much of the registered memory peers can be shown, for people} */
    String sharing() {
        var all = registered();
        long shared = all.stream().filter(memory -> SharedChunk.of(memory).isPresent()).count();
        var pages =
                all.stream()
                        .flatMap(memory -> SharedChunk.of(memory).stream())
                        .findFirst()
                        .map(chunk -> ", " + chunk.pages())
                        .orElse("");
        return "read by the peer with one copy, or in place as a view; of "
                + all.size()
                + " segments registered by now "
                + shared
                + " are shared"
                + pages;
    }

    /** {@return what takes back memory that peers read in place} */
    Marks marks() {
        return marks;
    }

    @Override
    public void memoryAdded(MemorySegment memory, Access access) {
        synchronized (registered) {
            registered.merge(memory, 1, Integer::sum);
        }
        links.forEach(link -> link.memoryAdded(memory));
    }

    @Override
    public DeviceReach deviceMemoryAdded(MemorySegment memory, DeviceMemory device, Access access) {
        return DeviceReach.staged(
                device.peerMemory().isPresent()
                        ? "where the device does not copy it (deviceMemory)"
                        : "processes cannot show each other this memory");
    }

    @Override
    public void memoryRemoved(MemorySegment memory) {
        synchronized (registered) {
            if (registered.merge(memory, -1, Integer::sum) > 0) {
                return;
            }
            registered.remove(memory);
        }
        links.forEach(link -> link.memoryRemoved(memory));
    }

    /** {@return the memory of devices that is registered} */
    DeviceRegistrations ofDevices() {
        return ofDevices;
    }

    @Override
    public void peerMemoryAdded(MemorySegment memory, DeviceMemory device) {
        boolean first = ofDevices.add(memory, device);
        if (options.showsDevices()) {
            links.forEach(link -> link.peerMemoryAdded(memory, device, first));
        }
    }

    @Override
    public CompletableFuture<Void> peerMemoryRemoved(MemorySegment memory) {
        return ofDevices.remove(memory)
                ? CompletableFuture.allOf(
                        links.stream()
                                .map(link -> link.peerMemoryRemoved(memory))
                                .toArray(CompletableFuture<?>[]::new))
                : CompletableFuture.completedFuture(null);
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
        var ending = links.stream().map(PcieLink::finished).toArray(CompletableFuture<?>[]::new);
        boolean inside =
                links.stream().flatMap(link -> link.all().stream()).anyMatch(Lane::onThread);
        links.forEach(link -> link.close(reason));
        if (inside) {
            // A callback closes the node: its thread has to return before the lanes can end.
            Thread.ofPlatform().daemon().name(threadName("close", "0")).start(() -> end(ending));
        } else {
            end(ending);
        }
    }

    private void end(CompletableFuture<?>[] ending) {
        CompletableFuture.allOf(ending).join();
        marks.close();
        door.close();
    }
}
