package io.kvwire.pcie;

import io.kvwire.ffi.linux.BulkCopy;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DataLink;
import io.kvwire.transport.spi.LinkHandler;
import io.kvwire.transport.spi.LinkSetup;
import io.kvwire.transport.spi.MessageLane;
import io.kvwire.transport.spi.OutboundFrame;
import io.kvwire.transport.spi.Pace;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * The lanes to one peer on this host. The side that was connected to has seen that it reaches the
 * other's socket, so it dials them, as soon as the other says that it expects them. Thread-safe.
 */
final class PcieLink implements DataLink {
    private static final System.Logger LOG = System.getLogger("io.kvwire.pcie");

    // What is said over the exchange: one byte, then text to the end.
    private static final byte DIAL = 1;
    private static final byte REFUSE = 2;

    private final PcieDataPath path;
    private final LinkSetup setup;
    private final LinkHandler handler;
    private final CompletableFuture<DataLink> ready = new CompletableFuture<>();
    private final CompletableFuture<Void> finished = new CompletableFuture<>();

    /** What has come of lanes that are not up yet. */
    private final List<LaneParts> parts = new ArrayList<>();

    /** The lanes, once all are there; never changed after that. */
    private volatile Lane[] lanes = {};

    private volatile Optional<LinkMessages> messages = Optional.empty();
    private boolean dialing;
    private int lanesUp;
    private int lanesGone;
    private boolean complete;
    private Optional<TransferException> closing = Optional.empty();

    PcieLink(PcieDataPath path, LinkSetup setup, LinkHandler handler) {
        this.path = path;
        this.setup = setup;
        this.handler = handler;
    }

    /** {@return whether this node can read private memory of the peer, where its cookie lies} */
    static SocketMessage.Verdict verdict(PcieOptions options, Cookie.Where cookie, int pid) {
        return new SocketMessage.Verdict(
                options.readsPrivate()
                        ? cookie.cannotRead(pid)
                        : Optional.of("pcie.private is ring"));
    }

    // ---- set-up -------------------------------------------------------------------------------

    /** Waits for the lanes, and says so. */
    void connect() {
        path.door().expect(setup.token(), this);
        setup.exchange().receive(this::told);
        timeOut();
        if (!setup.exchange().send(new byte[] {DIAL})) {
            close(gone());
        }
    }

    /** Waits for the word to dial. */
    void accept() {
        setup.exchange().receive(this::told);
        timeOut();
    }

    private TransferException gone() {
        return new TransferException(
                ErrorCode.PEER_LOST, "the connection to '" + setup.peerName() + "' is gone");
    }

    private void timeOut() {
        var _ =
                ready.copy()
                        .orTimeout(setup.timeoutNanos(), TimeUnit.NANOSECONDS)
                        .whenComplete((link, failure) -> {
                            if (failure != null) {
                                close(
                                        new TransferException(
                                                ErrorCode.UNREACHABLE,
                                                "no pcie lanes to '"
                                                        + setup.peerName()
                                                        + "' in time"));
                            }
                        });
    }

    private void told(byte[] message) {
        LaneMemory.require(message.length > 0, "an empty message");
        switch (message[0]) {
            case DIAL -> startDialing();
            case REFUSE ->
                    close(
                            new TransferException(
                                    ErrorCode.UNREACHABLE,
                                    "'"
                                            + setup.peerName()
                                            + "' cannot reach this node: "
                                            + new String(
                                                    message,
                                                    1,
                                                    message.length - 1,
                                                    StandardCharsets.UTF_8)));
            default -> LaneMemory.require(false, "a message of type " + message[0]);
        }
    }

    private void startDialing() {
        synchronized (this) {
            LaneMemory.require(!dialing && !complete, "a second word to dial");
            if (closing.isPresent()) {
                return;
            }
            dialing = true;
        }
        Thread.ofPlatform().daemon().name(threadName(-1)).start(this::dial);
    }

    private void dial() {
        try {
            var dialing =
                    new Dialing(
                            Endpoint.decode(setup.endpoint()),
                            setup.token(),
                            path.options(),
                            System.nanoTime() + setup.timeoutNanos());
            for (int lane = 0; lane < setup.lanes() && !closing(); lane++) {
                arrived(dialing.dial(lane));
            }
        } catch (RuntimeException e) {
            var why =
                    e instanceof TransferException known
                            ? known
                            : new TransferException(ErrorCode.INTERNAL, "dialing: " + e, e);
            byte[] text = String.valueOf(why.getMessage()).getBytes(StandardCharsets.UTF_8);
            byte[] message = new byte[1 + Math.min(text.length, 4096)];
            message[0] = REFUSE;
            System.arraycopy(text, 0, message, 1, message.length - 1);
            setup.exchange().send(message);
            close(why);
        } finally {
            synchronized (this) {
                dialing = false;
            }
            finishIfIdle();
        }
    }

    private synchronized boolean closing() {
        return closing.isPresent();
    }

    /** Refuses a lane that the link does not have, or has already. */
    synchronized void requireLane(int index) {
        LaneMemory.require(
                index >= 0
                        && index < setup.lanes()
                        && !complete
                        && parts.stream().noneMatch(part -> part.index() == index),
                "lane " + index);
    }

    /** Takes a lane that both ends have agreed on. */
    void arrived(LaneParts lane) {
        synchronized (this) {
            boolean known = parts.stream().anyMatch(part -> part.index() == lane.index());
            if (closing.isPresent() || complete || known) {
                lane.close();
                return;
            }
            lane.messages().ifPresent(this::carryMessages);
            parts.add(lane.withoutMessages());
            if (parts.size() < setup.lanes()) {
                return;
            }
            lanes = parts.stream().map(part -> new Lane(this, part)).toArray(Lane[]::new);
            parts.clear();
            lanesUp = lanes.length;
            complete = true;
        }
        path.door().forget(setup.token());
        for (var up : lanes) {
            path.registered().forEach(memory -> up.execute(() -> up.exports().of(memory)));
            up.start();
        }
        ready.complete(this);
    }

    private void carryMessages(LinkMessages.Memory memory) {
        messages =
                Optional.of(
                        new LinkMessages(
                                memory, path.maxMessageBytes(), this::wakePeer, this::wakeOwn));
    }

    // ---- for its messages -----------------------------------------------------------------------

    /** {@return the first lane that is up, which looks for messages; null when there is none} */
    private Lane leader() {
        for (var lane : lanes) {
            if (!lane.down()) {
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
            leader.ringPeer();
        }
    }

    private void wakeOwn() {
        var leader = leader();
        if (leader != null) {
            leader.execute(() -> {});
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
    void lost() {
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
            handler.closed(closing.orElseThrow());
            finishIfIdle();
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

    private void finishIfIdle() {
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
    public Optional<MessageLane> messages() {
        return messages.map(all -> all);
    }

    @Override
    public Map<String, String> details() {
        var details = new LinkedHashMap<String, String>();
        var first = lanes[0].parts();
        details.put(
                "host",
                "this one, and user "
                        + first.peer().uid()
                        + ": proven by the kernel's credentials of process "
                        + first.peer().pid());
        details.put("sharedMemory", path.sharing());
        details.put(
                "privateMemory",
                first.peerCannotRead()
                        .map(why -> "copied through a ring of each lane: " + why)
                        .orElse("read by the peer with one copy (process_vm_readv)"));
        details.put(
                "copies",
                BulkCopy.unavailable()
                        .map(why -> "by the JVM: " + why)
                        .orElse("in C, past the caches"));
        details.put("doorbell", "eventfd, after " + spinning());
        path.pace()
                .ifPresent(pace ->
                        details.put("bytesPerSecond", String.valueOf(pace.bytesPerSecond())));
        return details;
    }

    private String spinning() {
        long nanos = options().spinNanos();
        return nanos == Long.MAX_VALUE
                ? "spinning for ever"
                : "spinning for " + nanos / 1000 + " microseconds";
    }

    void memoryAdded(MemorySegment memory) {
        for (var lane : lanes) {
            lane.execute(() -> lane.exports().of(memory));
        }
    }

    void memoryRemoved(MemorySegment memory) {
        for (var lane : lanes) {
            lane.execute(() -> lane.exports().removed(memory));
        }
    }

    @Override
    public void send(OutboundFrame frame) {
        var all = lanes;
        // A lane that goes down meanwhile refuses the frame, and is not chosen again.
        for (int tries = 0; tries < all.length; tries++) {
            Lane best = all[0];
            for (var lane : all) {
                best = lane.queuedBytes() < best.queuedBytes() ? lane : best;
            }
            if (best.send(frame)) {
                return;
            }
        }
        frame.released(false);
    }

    @Override
    public void close(TransferException reason) {
        List<LaneParts> unfinished;
        synchronized (this) {
            if (closing.isPresent()) {
                return;
            }
            closing = Optional.of(reason);
            unfinished = List.copyOf(parts);
            parts.clear();
        }
        path.door().forget(setup.token());
        ready.completeExceptionally(reason);
        unfinished.forEach(LaneParts::close);
        for (var lane : lanes) {
            lane.failSoon(reason);
        }
        finishIfIdle();
    }

    @Override
    public String toString() {
        return "path pcie to '" + setup.peerName() + "'";
    }
}
