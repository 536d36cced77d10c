package io.kvwire.ffi.verbs;

/**
 * Speed of a link from the codes of {@code struct ibv_port_attr}, as {@code ibv_devinfo} reads
 * them.
 */
final class LinkSpeed {

    private LinkSpeed() {}

    static long mbps(byte speed, byte width) {
        return laneMbps(speed) * lanes(width);
    }

    private static long laneMbps(byte speed) {
        return switch (Byte.toUnsignedInt(speed)) {
            case 1 -> 2_500;
            case 2 -> 5_000;
            case 4, 8 -> 10_000;
            case 16 -> 14_000;
            case 32 -> 25_000;
            case 64 -> 50_000;
            case 128 -> 100_000;
            default -> 0;
        };
    }

    private static int lanes(byte width) {
        return switch (Byte.toUnsignedInt(width)) {
            case 1 -> 1;
            case 2 -> 4;
            case 4 -> 8;
            case 8 -> 12;
            case 16 -> 2;
            default -> 0;
        };
    }
}
