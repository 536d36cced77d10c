package io.kvwire.transport.core;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * Says to the peer that this side lives, and ends the session when the peer is silent. What has
 * come counts as come at the next beat: to look at the clock for each would take as long as to
 * handle a short message.
 */
final class Heartbeat {
    private final Session session;
    private volatile boolean heard;
    private long heardNanos;
    private volatile Future<?> rhythm;

    Heartbeat(Session session) {
        this.session = session;
    }

    /** Something has come from the peer. */
    void heard() {
        if (!heard) {
            heard = true;
        }
    }

    void start() {
        heardNanos = System.nanoTime();
        var node = session.node();
        long interval = node.config().limits().heartbeatInterval().toNanos();
        rhythm =
                node.timer.scheduleAtFixedRate(
                        this::beat, interval, interval, TimeUnit.NANOSECONDS);
    }

    void stop() {
        var beats = rhythm;
        if (beats != null) {
            beats.cancel(false);
        }
    }

    private void beat() {
        long now = System.nanoTime();
        if (heard) {
            heard = false;
            heardNanos = now;
        }
        long silent = now - heardNanos;
        var timeout = session.node().config().limits().peerTimeout();
        if (silent <= timeout.toNanos()) {
            session.send(new MessageWriter(ControlMessages.HEARTBEAT));
            return;
        }
        session.end(
                new TransferException(
                        ErrorCode.PEER_LOST,
                        "'%s' has been silent for %d ms (peerTimeout %s)"
                                .formatted(session.name(), silent / 1_000_000, timeout)));
    }
}
