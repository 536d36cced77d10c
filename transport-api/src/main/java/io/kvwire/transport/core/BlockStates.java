package io.kvwire.transport.core;

import java.util.concurrent.atomic.AtomicLongArray;

/**
 * The generation and the pins of each block, in one word, so that one atomic operation pins a block
 * and tells which use of it was pinned.
 *
 * <pre>
 * bits 63..32  generation, wraps around
 * bit  31      whether somebody waits for the last pin to go
 * bits 30..0   pins
 * </pre>
 */
final class BlockStates {
    private static final long ONE_GENERATION = 1L << 32;
    private static final long AWAITED = 1L << 31;
    private static final int PINS = Integer.MAX_VALUE;

    private final AtomicLongArray words;

    BlockStates(int blocks, int firstGeneration) {
        words = new AtomicLongArray(blocks);
        for (int i = 0; i < blocks; i++) {
            words.setPlain(i, firstGeneration * ONE_GENERATION);
        }
    }

    int blocks() {
        return words.length();
    }

    /** Reads the word of a block, 0 of one that there is not, for the processor to fetch it. */
    long touch(int id) {
        return id >= 0 && id < words.length() ? words.getPlain(id) : 0;
    }

    int generation(int id) {
        return (int) (words.get(id) >>> 32);
    }

    /** Ends the use of a block: pins of it find another generation from now on. */
    void endGeneration(int id) {
        words.getAndAdd(id, ONE_GENERATION);
    }

    /** {@return the generation of the block, which stays pinned whatever it is} */
    int pin(int id) {
        return (int) (words.getAndIncrement(id) >>> 32);
    }

    /** {@return whether this was the last pin and somebody waits for that} */
    boolean unpin(int id) {
        return (int) words.decrementAndGet(id) == (int) AWAITED;
    }

    boolean pinned(int id) {
        return ((int) words.get(id) & PINS) != 0;
    }

    /** Makes {@link #unpin} tell of the last pin, or no longer. */
    void await(int id, boolean awaited) {
        words.getAndUpdate(id, word -> awaited ? word | AWAITED : word & ~AWAITED);
    }
}
