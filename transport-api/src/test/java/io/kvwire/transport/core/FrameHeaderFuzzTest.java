package io.kvwire.transport.core;

import com.code_intelligence.jazzer.junit.FuzzTest;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

class FrameHeaderFuzzTest {
    private static final int CRC_AT = 80;

    /** A header is read whole or refused as malformed, whatever bytes stand in it. */
    @FuzzTest(maxDuration = "10s")
    void anyBytesAreReadOrRefused(byte[] bytes) {
        var header = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        decode(header);
        if (bytes.length >= FrameHeader.FIXED_BYTES) {
            // Past magic, version and checksum, which random bytes would hardly ever get right.
            header.putInt(0, FrameHeader.MAGIC).putShort(4, (short) FrameHeader.VERSION);
            header.putInt(CRC_AT, 0);
            var crc = new CRC32C();
            crc.update(bytes);
            header.putInt(CRC_AT, (int) crc.getValue());
            decode(header);
        }
    }

    private static void decode(ByteBuffer bytes) {
        var fields = new FrameHeader();
        try {
            fields.decode(bytes);
        } catch (TransferException e) {
            if (e.code() != ErrorCode.MALFORMED) {
                throw e;
            }
            return;
        }
        if (fields.tokens < 0 || fields.expectedBytes < 0 || fields.entries < 0) {
            throw new AssertionError("a negative count got through");
        }
    }
}
