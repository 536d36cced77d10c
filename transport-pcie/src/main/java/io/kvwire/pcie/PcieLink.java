package io.kvwire.pcie;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DataLink;
import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.GrantedMemory;
import io.kvwire.transport.spi.LinkHandler;
import io.kvwire.transport.spi.LinkSetup;
import io.kvwire.transport.spi.MemoryGrant;
import io.kvwire.transport.spi.MessageLane;
import io.kvwire.transport.spi.OutboundFrame;
import io.kvwire.transport.spi.Pace;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** The lanes to one peer on this host, once {@link LinkOpening} has them all. Thread-safe. */
final class PcieLink implements DataLink {
    private static final System.Logger LOG = System.getLogger("io.kvwire.pcie");

    private final PcieDataPath path;
    private final LinkSetup setup;
    private final LinkHandler handler;
    private final LinkOpening opening;
    private final CompletableFuture<DataLink> ready = new CompletableFuture<>();
    private final CompletableFuture<Void> finished = new CompletableFuture<>();

    /** The lanes, once all are there; never changed after that. */
    private volatile Lane[] lanes = {};

    private volatile Optional<LinkMessages> messages = Optional.empty();
    private volatile Optional<TransferException> lastLoss = Optional.empty();
    private int lanesUp;
    private int lanesGone;
    private Optional<TransferException> closing = Optional.empty();

    PcieLink(PcieDataPath path, LinkSetup setup, LinkHandler handler) {
        this.path = path;
        this.setup = setup;
        this.handler = handler;
        opening = new LinkOpening(path, setup, this);
    }

    // ---- set-up -------------------------------------------------------------------------------

    LinkOpening opening() {
        return opening;
    }

    synchronized boolean closing() {
        return closing.isPresent();
    }

    /** Starts the lanes, which are all there. */
    void up(List<LaneParts> all) {
        boolean late;
        synchronized (this) {
            late = closing.isPresent();
            if (!late) {
                lanes = all.stream().map(part -> new Lane(this, part)).toArray(Lane[]::new);
                lanesUp = lanes.length;
            }
        }
        if (late) {
            all.forEach(LaneParts::close);
            return;
        }
        for (var up : lanes) {
            path.registered().forEach(memory -> up.queue().execute(() -> up.exports().of(memory)));
            if (options().showsDevices()) {
                path.ofDevices().forEach((memory, device) -> show(up, memory, device));
            }
            up.start();
        }
        ready.complete(this);
    }

    private static void show(Lane lane, MemorySegment memory, DeviceMemory device) {
        lane.queue().execute(() -> lane.exports().ofDevices().show(memory, device));
    }

    /** Takes the rings of the link's messages. */
    void carryMessages(LinkRings memory) {
        messages =
                Optional.of(
                        new LinkMessages(
                                memory, path.maxMessageBytes(), this::wakePeer, this::wakeOwn));
    }

    // ---- for its messages -----------------------------------------------------------------------

    /** {@return the first lane that is up, which looks for messages; null when there is none} */
    private Lane leader() {
        for (var lane : lanes) {
            if (!lane.queue().down()) {
                return lane;
            }
        }
        return null;
    }

    Optional<LinkMessages> linkMessages() {
        return messages;
    }

    boolean leads(Lane lane) {
        return lane == leader();
    }

    private void wakePeer() {
        var leader = leader();
        if (leader != null) {
            leader.queue().ringPeer();
        }
    }

    private void wakeOwn() {
        var leader = leader();
        if (leader != null) {
            leader.queue().execute(() -> {});
        }
    }

    /** Delivers messages that no lane has looked for, for whatever reason. */
    void lookAfterMessages() {
        try {
            messages.ifPresent(LinkMessages::poll);
        } catch (TransferException e) {
            close(e);
        }
    }

    // ---- for its lanes --------------------------------------------------------------------------

    LinkHandler handler() {
        return handler;
    }

    PcieOptions options() {
        return path.options();
    }

    Optional<Pace> pace() {
        return path.pace();
    }

    Wakefulness wakefulness() {
        return path.wakefulness();
    }

    String threadName(int lane) {
        return path.threadName(setup.peerName(), lane < 0 ? "dial" : String.valueOf(lane));
    }

    CompletableFuture<DataLink> ready() {
        return ready;
    }

    /** {@return completes when no lane is left and the handler has been told} */
    CompletableFuture<Void> finished() {
        return finished;
    }

    /** {@return all lanes, also those that are gone} */
    List<Lane> all() {
        return List.of(lanes);
    }

    /** A lane is at its end, and gives its frames back next. */
    void lost(TransferException why) {
        lastLoss = Optional.of(why);
        synchronized (this) {
            lanesUp--;
        }
        // What the other end said before must not be overtaken by the end; and another lane leads.
        lookAfterMessages();
        wakeOwn();
    }

    /** Takes note that a lane is gone, and its frames are back. */
    void gone(Lane lane, TransferException reason) {
        boolean broken;
        synchronized (this) {
            broken = closing.isEmpty();
        }
        if (broken) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    () -> this + ": lane " + lane.index() + " is lost: " + reason.getMessage());
            handler.laneLost(lane.index(), reason);
        }
        boolean last;
        synchronized (this) {
            last = ++lanesGone == lanes.length;
            if (last && closing.isEmpty()) {
                closing = Optional.of(peerLost(reason));
            }
        }
        if (last) {
            try {
                handler.closed(closing.orElseThrow());
            } finally {
                finishIfIdle(); // or the node that closes would wait for ever
            }
        }
    }

    private TransferException peerLost(TransferException reason) {
        return new TransferException(
                ErrorCode.PEER_LOST,
                "all "
                        + lanes.length
                        + " pcie lanes to '"
                        + setup.peerName()
                        + "' are down; the last: "
                        + reason.getMessage(),
                reason);
    }

    /** Ends the link when it is closing and nobody makes lanes, or has one, any more. */
    void finishIfIdle() {
        boolean dialing = opening.dialing();
        synchronized (this) {
            if (closing.isEmpty() || dialing || lanesGone < lanes.length) {
                return;
            }
        }
        path.ended(this);
        messages.ifPresent(LinkMessages::close);
        finished.complete(null);
    }

    // ---- for the node ---------------------------------------------------------------------------

    @Override
    public synchronized int lanes() {
        return lanesUp;
    }

    @Override
    public Optional<TransferException> lastLoss() {
        return lastLoss;
    }

    @Override
    public Optional<MessageLane> messages() {
        return messages.map(all -> all);
    }

    @Override
    public Map<String, String> details() {
        return LinkDetails.of(path, this, lanes[0].parts());
    }

    void memoryAdded(MemorySegment memory) {
        for (var lane : lanes) {
            lane.queue().execute(() -> lane.exports().of(memory));
        }
    }

    void memoryRemoved(MemorySegment memory) {
        for (var lane : lanes) {
            lane.queue().execute(() -> lane.exports().removed(memory));
        }
    }

    void peerMemoryAdded(MemorySegment memory, DeviceMemory device, boolean first) {
        for (var lane : lanes) {
            show(lane, memory, device);
            if (first) {
                lane.deviceAdded();
            }
        }
    }

    /** Completes when the other end has closed the memory. */
    CompletableFuture<Void> peerMemoryRemoved(MemorySegment memory) {
        return CompletableFuture.allOf(
                all().stream().map(lane -> lane.hide(memory)).toArray(CompletableFuture<?>[]::new));
    }

    /** {@return the devices whose memory peers may be asked to show each other} */
    List<DeviceMemory> devices() {
        return options().showsDevices() ? path.ofDevices().devices() : List.of();
    }

    /** {@return what to tell the peer whose memory none of them opens} */
    String noDevice() {
        return options().showsDevices()
                ? "the peer has no cache in memory of such a device"
                : "pcie.deviceMemory of the peer is staged";
    }

    /** Whichever lane a frame goes over, the other end of it must have the memory open. */
    @Override
    public boolean fetches(MemorySegment memory) {
        var up = all().stream().filter(lane -> !lane.queue().down()).toList();
        return !up.isEmpty()
                && up.stream().allMatch(lane -> lane.exports().ofDevices().fetches(memory));
    }

    /** {@return why the other end has not opened some memory of a device, if it said so} */
    Optional<String> staged() {
        return options().showsDevices()
                ? all().stream()
                        .flatMap(lane -> lane.exports().ofDevices().staged().stream())
                        .findFirst()
                : Optional.of("pcie.deviceMemory is staged");
    }

    @Override
    public CompletableFuture<MemoryGrant> grant(List<MemorySegment> memory) {
        var lane = leader();
        return lane == null
                ? CompletableFuture.failedFuture(
                        new TransferException(ErrorCode.LANE_LOST, "no lane is left"))
                : lane.make(() -> HostGrant.of(lane, memory, path.marks()));
    }

    @Override
    public CompletableFuture<GrantedMemory> open(byte[] token) {
        var in = ByteBuffer.wrap(token).order(ByteOrder.LITTLE_ENDIAN);
        int index = in.remaining() < Integer.BYTES ? -1 : in.getInt();
        if (index < 0 || index >= lanes.length) {
            return CompletableFuture.failedFuture(
                    new TransferException(ErrorCode.MALFORMED, "a grant over lane " + index));
        }
        var lane = lanes[index];
        return lane.make(() -> HostWindow.open(lane::region, in));
    }

    @Override
    public void send(OutboundFrame frame) {
        var all = lanes;
        // A lane that goes down meanwhile refuses the frame, and is not chosen again.
        for (int tries = 0; tries < all.length; tries++) {
            Lane best = all[0];
            for (var lane : all) {
                best = lane.queue().queuedBytes() < best.queue().queuedBytes() ? lane : best;
            }
            if (best.queue().send(frame)) {
                return;
            }
        }
        frame.released(false);
    }

    @Override
    public void close(TransferException reason) {
        synchronized (this) {
            if (closing.isPresent()) {
                return;
            }
            closing = Optional.of(reason);
        }
        opening.stop();
        ready.completeExceptionally(reason);
        for (var lane : lanes) {
            lane.queue().failSoon(reason);
        }
        finishIfIdle();
    }

    @Override
    public String toString() {
        return "path pcie to '" + setup.peerName() + "'";
    }
}
