package io.kvwire.harness.bench.worker;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.NodeListener;
import io.kvwire.transport.Peer;
import io.kvwire.transport.TransferException;

import org.HdrHistogram.Histogram;

import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Round trips of a small message. The next is sent by the thread of the wire that received the
 * last, as an application would that answers where it is told.
 */
final class Echoes implements NodeListener {
    private static final long PATIENCE_SECONDS = 60;
    private static final long LONGEST_NANOS = TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);

    private volatile Series series;
    private volatile boolean right = true;

    /** Touched by the wire's thread alone until it is done. */
    private static final class Series {
        final byte[] message;
        final long end;
        final Histogram times = new Histogram(LONGEST_NANOS, 3);
        final CountDownLatch done = new CountDownLatch(1);
        volatile long sentAt;
        volatile boolean lost;

        Series(byte[] message, long end) {
            this.message = message;
            this.end = end;
        }
    }

    @Override
    public void notified(Peer peer, byte[] payload) {
        long now = System.nanoTime();
        var running = series;
        right &= Arrays.equals(payload, running.message);
        running.times.recordValue(Math.min(LONGEST_NANOS, now - running.sentAt));
        if (now >= running.end) {
            running.done.countDown();
            return;
        }
        running.sentAt = System.nanoTime();
        peer.notify(running.message);
    }

    @Override
    public void disconnected(Peer peer, TransferException reason) {
        var running = series;
        if (running != null) {
            running.lost = true;
            running.done.countDown();
        }
    }

    Histogram run(Peer peer, int bytes, double seconds) {
        var message = new byte[bytes];
        for (int i = 0; i < bytes; i++) {
            message[i] = (byte) (i * 31 + 7);
        }
        right = true;
        var running = new Series(message, System.nanoTime() + (long) (seconds * 1e9));
        series = running;
        running.sentAt = System.nanoTime();
        peer.notify(message);
        try {
            if (!running.done.await(
                            PATIENCE_SECONDS * 1000 + (long) (seconds * 1e3), TimeUnit.MILLISECONDS)
                    || running.lost) {
                throw new TransferException(
                        ErrorCode.PEER_LOST, "'" + peer.name() + "' does not answer a message");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TransferException(ErrorCode.CANCELLED, "interrupted", e);
        }
        return running.times;
    }

    /** {@return whether every message of the last run came back as it was sent} */
    boolean right() {
        return right;
    }
}
