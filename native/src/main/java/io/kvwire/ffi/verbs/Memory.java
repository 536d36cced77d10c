package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;

/**
 * Stores and loads by address, for lists of requests and completions alone.
 *
 * <p>An access through a segment in a field checks that the segment is alive, the offset inside and
 * the address aligned: five times what the access costs, a dozen times per request. The lists check
 * once per request instead ({@link #touch}) and then write where their own counts say.
 */
final class Memory {

    private static final MemorySegment ALL = all();
    private static final boolean LITTLE_ENDIAN = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;

    private Memory() {}

    /** Fails when the memory is gone, or does not belong to this thread. */
    static void touch(MemorySegment segment) {
        segment.get(JAVA_BYTE, 0);
    }

    static void putLong(long address, long value) {
        ALL.set(JAVA_LONG_UNALIGNED, address, value);
    }

    static void putInt(long address, int value) {
        ALL.set(JAVA_INT_UNALIGNED, address, value);
    }

    /** Stores two neighbours at once: an access costs the same whatever its size. */
    static void putInts(long address, int first, int second) {
        putLong(
                address,
                LITTLE_ENDIAN
                        ? Integer.toUnsignedLong(first) | ((long) second << Integer.SIZE)
                        : Integer.toUnsignedLong(second) | ((long) first << Integer.SIZE));
    }

    static long getLong(long address) {
        return ALL.get(JAVA_LONG_UNALIGNED, address);
    }

    static int getInt(long address) {
        return ALL.get(JAVA_INT_UNALIGNED, address);
    }

    @SuppressWarnings("restricted") // what an ffi package is for
    private static MemorySegment all() {
        return MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    }
}
