package io.kvwire.ffi.verbs;

/** {@code enum ibv_mtu}: 1 is 256 bytes, and each step doubles it. */
final class Mtu {

    private static final int SMALLEST_BYTES = 256;
    private static final int LARGEST = 5;

    private Mtu() {}

    /** {@return the size for a number, or 0 for one that is not known} */
    static int bytes(int number) {
        return number < 1 || number > LARGEST ? 0 : SMALLEST_BYTES << (number - 1);
    }

    static int number(int bytes) {
        for (int number = 1; number <= LARGEST; number++) {
            if (bytes(number) == bytes) {
                return number;
            }
        }
        throw new IllegalArgumentException(
                "an MTU of " + bytes + " bytes: use 256, 512, 1024, 2048 or 4096");
    }
}
