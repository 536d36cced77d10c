package io.kvwire.pcie;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.LinkSetup;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * A link until all its lanes are there: who dials, what has come so far, and until when. The side
 * that was connected to has seen that it reaches the other's socket, so it dials, as soon as the
 * other says that it expects that. Thread-safe.
 */
final class LinkOpening {
    // What is said over the exchange: one byte, then text to the end.
    private static final byte DIAL = 1;
    private static final byte REFUSE = 2;
    private static final int MOST_TEXT = 4096;

    private final PcieDataPath path;
    private final LinkSetup setup;
    private final PcieLink link;
    private final List<LaneParts> parts = new ArrayList<>();
    private boolean dialing;
    private boolean complete;
    private boolean stopped;

    LinkOpening(PcieDataPath path, LinkSetup setup, PcieLink link) {
        this.path = path;
        this.setup = setup;
        this.link = link;
    }

    /** {@return whether this node can read private memory of the peer, where its cookie lies} */
    static SocketMessage.Verdict verdict(PcieOptions options, Cookie.Where cookie, int pid) {
        return new SocketMessage.Verdict(
                options.readsPrivate()
                        ? cookie.cannotRead(pid)
                        : Optional.of("pcie.private is ring"));
    }

    /** Waits for the lanes, and says so. */
    void connect() {
        path.door().expect(setup.token(), link);
        setup.exchange().receive(this::told);
        timeOut();
        if (!setup.exchange().send(new byte[] {DIAL})) {
            link.close(
                    new TransferException(
                            ErrorCode.PEER_LOST,
                            "the connection to '" + setup.peerName() + "' is gone"));
        }
    }

    /** Waits for the word to dial. */
    void accept() {
        setup.exchange().receive(this::told);
        timeOut();
    }

    private void timeOut() {
        CompletableFuture<?> ready = link.ready().copy();
        var _ =
                ready.orTimeout(setup.timeoutNanos(), TimeUnit.NANOSECONDS)
                        .whenComplete((_, failure) -> {
                            if (failure != null) {
                                link.close(
                                        unreachable(
                                                "no pcie lanes to '"
                                                        + setup.peerName()
                                                        + "' in time"));
                            }
                        });
    }

    private static TransferException unreachable(String why) {
        return new TransferException(ErrorCode.UNREACHABLE, why);
    }

    private void told(byte[] message) {
        LaneMemory.require(message.length > 0, "an empty message");
        switch (message[0]) {
            case DIAL -> startDialing();
            case REFUSE ->
                    link.close(
                            unreachable(
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
            if (stopped) {
                return;
            }
            dialing = true;
        }
        Thread.ofPlatform().daemon().name(link.threadName(-1)).start(this::dial);
    }

    private void dial() {
        try {
            var dialing =
                    new Dialing(
                            Endpoint.decode(setup.endpoint()),
                            setup.token(),
                            path.options(),
                            System.nanoTime() + setup.timeoutNanos());
            for (int lane = 0; lane < setup.lanes() && !link.closing(); lane++) {
                arrived(dialing.dial(lane));
            }
        } catch (RuntimeException e) {
            var why =
                    e instanceof TransferException known
                            ? known
                            : new TransferException(ErrorCode.INTERNAL, "dialing: " + e, e);
            byte[] text = String.valueOf(why.getMessage()).getBytes(StandardCharsets.UTF_8);
            byte[] message = new byte[1 + Math.min(text.length, MOST_TEXT)];
            message[0] = REFUSE;
            System.arraycopy(text, 0, message, 1, message.length - 1);
            setup.exchange().send(message);
            link.close(why);
        } finally {
            synchronized (this) {
                dialing = false;
            }
            link.finishIfIdle();
        }
    }

    /** {@return whether a thread dials lanes} */
    synchronized boolean dialing() {
        return dialing;
    }

    /** Refuses a lane that the link does not have, or has already. */
    synchronized void requireLane(int index) {
        LaneMemory.require(
                index >= 0 && index < setup.lanes() && !complete && !known(index), "lane " + index);
    }

    private boolean known(int index) {
        return parts.stream().anyMatch(part -> part.index() == index);
    }

    /** Takes a lane that both ends have agreed on. */
    void arrived(LaneParts lane) {
        List<LaneParts> all;
        synchronized (this) {
            if (stopped || complete || known(lane.index())) {
                lane.close();
                return;
            }
            lane.messages().ifPresent(link::carryMessages);
            parts.add(lane.withoutMessages());
            if (parts.size() < setup.lanes()) {
                return;
            }
            all = List.copyOf(parts);
            parts.clear();
            complete = true;
        }
        path.door().forget(setup.token());
        link.up(all);
    }

    /** The link is closing: whatever comes from now on is closed. */
    void stop() {
        List<LaneParts> unfinished;
        synchronized (this) {
            stopped = true;
            unfinished = List.copyOf(parts);
            parts.clear();
        }
        path.door().forget(setup.token());
        unfinished.forEach(LaneParts::close);
    }
}
