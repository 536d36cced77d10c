package io.kvwire.transport.core;

import io.kvwire.transport.spi.RunCursor;

import java.util.zip.CRC32C;

/** CRC32C (RFC 3720, section 12.1) over the runs of a payload. */
final class Checksums {
    private static final long PIECE = 1 << 30;

    private Checksums() {}

    /** Goes on with a number, as four bytes, little-endian. */
    static void update(CRC32C crc, int value) {
        crc.update(value);
        crc.update(value >>> 8);
        crc.update(value >>> 16);
        crc.update(value >>> 24);
    }

    static int of(RunCursor runs, CRC32C crc) {
        crc.reset();
        while (runs.next()) {
            for (long done = 0; done < runs.length(); done += PIECE) {
                long length = Math.min(PIECE, runs.length() - done);
                crc.update(runs.segment().asSlice(runs.offset() + done, length).asByteBuffer());
            }
        }
        return (int) crc.getValue();
    }
}
