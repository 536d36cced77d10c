package io.kvwire.pcie;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * One direction of a lane in the memory that both ends have mapped: how far the ring was written
 * and read, whether the reader sleeps, the states of the frames that the reader fetches, and the
 * ring itself. docs/spec/wire-format.md fixes the offsets.
 *
 * <p>Everything the other end can write is checked by whoever reads it.
 */
final class LaneMemory {
    /** The most frames whose state is kept. */
    static final int MAX_FRAMES = 256;

    private static final long TAIL = 0;
    private static final long HEAD = 128;
    private static final long SLEEPS = 256;
    private static final long WAITS = 384;
    private static final long STATES = 4096;
    private static final long STATE_BYTES = 64;
    private static final long DATA = STATES + MAX_FRAMES * STATE_BYTES;

    private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();
    private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle();

    private final MemorySegment memory;
    private final MemorySegment data;
    private final int frames;

    private LaneMemory(MemorySegment memory, int frames) {
        this.memory = memory;
        this.frames = frames;
        data = memory.asSlice(DATA);
    }

    /** {@return the bytes of both directions together} */
    static long bytes(int ringBytes) {
        return 2 * (DATA + ringBytes);
    }

    /** {@return one direction: 0 from the end that made the memory, 1 to it} */
    static LaneMemory direction(MemorySegment both, int which, int ringBytes, int frames) {
        long half = DATA + ringBytes;
        return new LaneMemory(both.asSlice(which * half, half), frames);
    }

    /** {@return the memory of the ring} */
    MemorySegment data() {
        return data;
    }

    int frames() {
        return frames;
    }

    long tail() {
        return (long) LONG.getAcquire(memory, TAIL);
    }

    void tail(long position) {
        LONG.setRelease(memory, TAIL, position);
    }

    long head() {
        return (long) LONG.getAcquire(memory, HEAD);
    }

    void head(long position) {
        LONG.setRelease(memory, HEAD, position);
    }

    /** Says whether the reader sleeps, so that it has to be woken. */
    void sleeps(boolean asleep) {
        INT.setVolatile(memory, SLEEPS, asleep ? 1 : 0);
    }

    /** {@return whether the reader sleeps and nobody else has woken it since; then it is awake} */
    boolean takeSleep() {
        return (int) INT.getVolatile(memory, SLEEPS) != 0
                && INT.compareAndSet(memory, SLEEPS, 1, 0);
    }

    /** Says whether the writer waits for room, so that it has to be told. */
    void waits(boolean waiting) {
        INT.setVolatile(memory, WAITS, waiting ? 1 : 0);
    }

    /** {@return whether the writer waits for room} */
    boolean waits() {
        return (int) INT.getVolatile(memory, WAITS) != 0;
    }

    /** {@return whether the writer waits and nobody else tells it; called once there is room} */
    boolean takeWaits() {
        VarHandle.fullFence();
        return waits() && INT.compareAndSet(memory, WAITS, 1, 0);
    }

    /** Offers a frame to be fetched. */
    void announce(long frame) {
        LONG.setRelease(memory, at(frame), FrameState.ANNOUNCED.of(frame));
    }

    /** {@return whether the state was as expected and is changed now} */
    boolean change(long frame, FrameState from, FrameState to) {
        return LONG.compareAndSet(memory, at(frame), from.of(frame), to.of(frame));
    }

    /** {@return whether the reader is done with the frame} */
    boolean ended(long frame) {
        return (long) LONG.getAcquire(memory, at(frame)) == FrameState.ENDED.of(frame);
    }

    private long at(long frame) {
        return STATES + frame % frames * STATE_BYTES;
    }

    static void require(boolean holds, String what) {
        if (!holds) {
            throw new TransferException(
                    ErrorCode.MALFORMED, "the other end of a pcie lane sent " + what);
        }
    }

    /** Puts its text together only when it is needed: this runs for every piece. */
    static void require(boolean holds, String what, long value, String unit) {
        if (!holds) {
            require(false, what + value + unit);
        }
    }
}
