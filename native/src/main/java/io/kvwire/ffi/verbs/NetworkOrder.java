package io.kvwire.ffi.verbs;

import java.nio.ByteOrder;

/** Numbers whose most significant byte comes first. */
final class NetworkOrder {

    private static final boolean SWAPPED = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;

    private NetworkOrder() {}

    /** {@return a number as it is to be stored; twice gives the number again} */
    static int of(int number) {
        return SWAPPED ? Integer.reverseBytes(number) : number;
    }
}
