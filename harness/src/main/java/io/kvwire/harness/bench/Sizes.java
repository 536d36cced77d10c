package io.kvwire.harness.bench;

/** Sizes for people. */
final class Sizes {
    private Sizes() {}

    static String show(long bytes) {
        if (bytes % (1 << 30) == 0) {
            return (bytes >> 30) + " GiB";
        }
        if (bytes % (1 << 20) == 0) {
            return (bytes >> 20) + " MiB";
        }
        return bytes % 1024 == 0 ? (bytes >> 10) + " KiB" : bytes + " B";
    }
}
