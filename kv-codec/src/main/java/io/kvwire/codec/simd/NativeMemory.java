package io.kvwire.codec.simd;

import java.lang.foreign.MemorySegment;

/**
 * All memory outside of the heap as one segment, at whose offsets addresses are.
 *
 * <p>A constant segment makes the check of each access vanish, or nearly so. In loops that read one
 * segment and write another the compiler cannot lift those checks, and they take longer than the
 * arithmetic. So whoever uses this checks beforehand that all of his accesses lie in the segments
 * that he was given; and their memory must stay allocated until he is done, which the caller of a
 * codec owes, as he owes it to a network card.
 */
final class NativeMemory {
    static final MemorySegment ALL = all();

    /** Whether this JVM lets us: with {@code --illegal-native-access=deny} it may not. */
    static final boolean USABLE = ALL.byteSize() > 0;

    private NativeMemory() {}

    // Restricted, since it takes checks away; those of its users stand in for them.
    @SuppressWarnings("restricted")
    private static MemorySegment all() {
        try {
            return MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
        } catch (IllegalCallerException e) {
            return MemorySegment.NULL;
        }
    }
}
