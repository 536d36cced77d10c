package io.kvwire.tck.codec;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/** What a test does to the codec of a node. Thread-safe; does nothing until it is told to. */
public final class CodecTap {
    /** Where a thread that encodes or decodes can be made to stand still. */
    public enum Point {
        /** Before a frame is encoded. */
        ENCODE,
        /** Before a frame is decoded. */
        DECODE,
        /** When the first run of a frame is written and the others are not. */
        PLACE
    }

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Set<Point> stalls = EnumSet.noneOf(Point.class);
    private final AtomicInteger stalled = new AtomicInteger();
    private final AtomicInteger toSpoil = new AtomicInteger();
    private final AtomicLong decodeNanos = new AtomicLong();
    private final AtomicInteger encoded = new AtomicInteger();
    private final AtomicInteger decoding = new AtomicInteger();

    /** A tap that does nothing yet. */
    public CodecTap() {}

    /**
     * Lets each thread that comes to a point stand still there.
     *
     * @param point where
     */
    public void stall(Point point) {
        lock.lock();
        try {
            stalls.add(point);
        } finally {
            lock.unlock();
        }
    }

    /** Lets all threads go on. */
    public void resume() {
        lock.lock();
        try {
            stalls.clear();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Flips a byte in each of the next frames, after its checksum was computed.
     *
     * @param frames how many
     */
    public void spoil(int frames) {
        toSpoil.set(frames);
    }

    /**
     * Makes decoding slow.
     *
     * @param nanos that each frame takes at least
     */
    public void slowDecode(long nanos) {
        decodeNanos.set(nanos);
    }

    /** {@return how many threads stand still} */
    public int stalled() {
        return stalled.get();
    }

    /** {@return how many frames were encoded} */
    public int encodedFrames() {
        return encoded.get();
    }

    /** {@return how many frames somebody began to decode} */
    public int decodedFrames() {
        return decoding.get();
    }

    void encoding() {
        pass(Point.ENCODE);
    }

    void encoded(MemorySegment frame) {
        encoded.incrementAndGet();
        if (toSpoil.get() > 0 && toSpoil.getAndDecrement() > 0) {
            long at = frame.byteSize() / 2;
            byte value = frame.get(ValueLayout.JAVA_BYTE, at);
            frame.set(ValueLayout.JAVA_BYTE, at, (byte) (value ^ 1));
        }
    }

    void decoding() {
        decoding.incrementAndGet();
        long nanos = decodeNanos.get();
        if (nanos > 0) {
            LockSupport.parkNanos(nanos);
        }
        pass(Point.DECODE);
    }

    void placing() {
        pass(Point.PLACE);
    }

    private void pass(Point point) {
        lock.lock();
        try {
            while (stalls.contains(point)) {
                stalled.incrementAndGet();
                changed.awaitUninterruptibly();
                stalled.decrementAndGet();
            }
        } finally {
            lock.unlock();
        }
    }
}
