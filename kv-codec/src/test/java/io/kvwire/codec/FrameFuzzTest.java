package io.kvwire.codec;

import com.code_intelligence.jazzer.junit.FuzzTest;

import io.kvwire.transport.TransferException;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

class FrameFuzzTest {
    private static final int CRC_AT = 124;

    /** A header is read whole or refused, whatever bytes stand in it. */
    @FuzzTest(maxDuration = "10s")
    void anyBytesAreReadOrRefused(byte[] bytes) {
        decode(bytes);
        if (bytes.length >= FrameHeader.BYTES) {
            // Past magic, version and checksum, which random bytes would hardly ever get right.
            var header = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
            header.putInt(0, FrameHeader.MAGIC).put(4, (byte) FrameHeader.MAJOR);
            header.put(5, (byte) FrameHeader.MINOR).putShort(6, (short) FrameHeader.BYTES);
            var crc = new CRC32C();
            crc.update(bytes, 0, CRC_AT);
            header.putInt(CRC_AT, (int) crc.getValue());
            decode(bytes);
        }
    }

    private static void decode(byte[] bytes) {
        var header = new FrameHeader();
        try {
            header.decode(ByteBuffer.wrap(bytes), bytes.length);
        } catch (TransferException e) {
            return;
        }
        if (header.rawBytes != bytes.length - FrameHeader.BYTES || header.tokens < 1) {
            throw new AssertionError("lengths that do not fit got through");
        }
    }
}
