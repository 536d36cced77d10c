package io.kvwire.transport.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.Test;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

class FrameHeaderTest {
    private static final int ENTRIES = 3;
    private static final int LENGTH =
            FrameHeader.FIXED_BYTES + ENTRIES * FrameHeader.BLOCK_ENTRY_BYTES;

    private static ByteBuffer encoded() {
        var header = new FrameHeader();
        header.kind = FrameHeader.WRITE_BLOCKS;
        header.flags = FrameHeader.FLAG_CHECKSUM;
        header.transferId = 0x0102030405060708L;
        header.requestId = 0x1112131415161718L;
        header.expectedBytes = 0x2122232425262728L;
        header.position = 0x3132333435363738L;
        header.frameIndex = 0x41424;
        header.objectId = 0x51525354;
        header.objectGeneration = 0x61626364;
        header.layer = 0x71727374;
        header.firstToken = 0x01828384;
        header.tokens = 0x02929394;
        header.firstHead = 0x03A2A3A4;
        header.heads = 0x04B2B3B4;
        header.entries = ENTRIES;
        header.payloadCrc = 0x05C2C3C4;
        var out = ByteBuffer.allocate(LENGTH + 8).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = FrameHeader.FIXED_BYTES; i < LENGTH; i++) {
            out.put(i, (byte) i);
        }
        header.encode(out, LENGTH);
        return out;
    }

    @Test
    void everyFieldSurvivesTheTrip() {
        var read = new FrameHeader();
        read.decode(encoded());
        assertEquals(FrameHeader.WRITE_BLOCKS, read.kind);
        assertTrue(read.checksummed());
        assertEquals(0x0102030405060708L, read.transferId);
        assertEquals(0x1112131415161718L, read.requestId);
        assertEquals(0x2122232425262728L, read.expectedBytes);
        assertEquals(0x3132333435363738L, read.position);
        assertEquals(0x41424, read.frameIndex);
        assertEquals(0x51525354, read.objectId);
        assertEquals(0x61626364, read.objectGeneration);
        assertEquals(0x71727374, read.layer);
        assertEquals(0x01828384, read.firstToken);
        assertEquals(0x02929394, read.tokens);
        assertEquals(0x03A2A3A4, read.firstHead);
        assertEquals(0x04B2B3B4, read.heads);
        assertEquals(ENTRIES, read.entries);
        assertEquals(0x05C2C3C4, read.payloadCrc);
    }

    @Test
    void fieldsLieWhereTheSpecificationSays() {
        var bytes = encoded();
        assertEquals('K', bytes.get(0));
        assertEquals('V', bytes.get(1));
        assertEquals('W', bytes.get(2));
        assertEquals('F', bytes.get(3));
        assertEquals(1, bytes.getShort(4));
        assertEquals(0x0102030405060708L, bytes.getLong(8));
        assertEquals(0x41424, bytes.getInt(40));
        assertEquals(ENTRIES, bytes.getInt(72));
    }

    @Test
    void aFlipOfAnySingleBitIsRefused() {
        for (int bit = 0; bit < LENGTH * 8; bit++) {
            var bytes = encoded();
            bytes.put(bit / 8, (byte) (bytes.get(bit / 8) ^ 1 << bit % 8));
            assertRefused(bytes, "bit " + bit);
        }
    }

    @Test
    void everyTruncationIsRefused() {
        for (int length = 0; length < LENGTH; length++) {
            assertRefused(encoded().limit(length), length + " bytes");
        }
    }

    @Test
    void bytesBehindTheEntriesAreRefused() {
        assertRefused(encoded().limit(LENGTH + 8), "8 bytes too many");
    }

    private static void assertRefused(ByteBuffer bytes, String what) {
        var refusal =
                assertThrows(TransferException.class, () -> new FrameHeader().decode(bytes), what);
        assertEquals(ErrorCode.MALFORMED, refusal.code(), what);
    }
}
