package io.kvwire.ffi;

import java.lang.foreign.MemorySegment;

/** Strings that C code hands out. Thread-safe. */
public final class CString {

    private static final long LONGEST_BYTES = 4096;

    private CString() {}

    /**
     * Reads a string that ends in a zero byte.
     *
     * @param address where it starts, as a native function returned it; of any size, also zero
     * @return the string, or an empty one when the address is {@code NULL}
     * @throws IndexOutOfBoundsException when no zero byte follows within 4096 bytes
     */
    @SuppressWarnings("restricted") // what an ffi package is for
    public static String read(MemorySegment address) {
        if (address.equals(MemorySegment.NULL)) {
            return "";
        }
        return address.reinterpret(LONGEST_BYTES).getString(0);
    }
}
