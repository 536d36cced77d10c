package io.kvwire.tcp;

import io.netty.channel.EventLoop;

import java.util.concurrent.TimeUnit;

/**
 * Holds the batches of one lane back until the node's rate allows them. Confined to the event loop.
 */
final class RateGate implements FrameWriter.Gate {
    /**
     * Timers of an event loop are good to a millisecond: what is due within half of one goes at
     * once.
     */
    private static final long SOON_NANOS = 500_000;

    private final RateLimit limit;
    private final EventLoop loop;
    private final Runnable open;
    private long dueNanos;
    private boolean waiting;

    RateGate(RateLimit limit, EventLoop loop, Runnable kick) {
        this.limit = limit;
        this.loop = loop;
        open =
                () -> {
                    waiting = false;
                    kick.run();
                };
    }

    @Override
    public void announce(long bytes, boolean afterPause) {
        dueNanos = limit.reserve(bytes, afterPause, System.nanoTime());
    }

    @Override
    public boolean passable() {
        long wait = dueNanos - System.nanoTime();
        if (wait < SOON_NANOS) {
            return true;
        }
        if (!waiting) {
            waiting = true;
            loop.schedule(open, wait, TimeUnit.NANOSECONDS);
        }
        return false;
    }
}
