package io.kvwire.tcp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;

class FramePrefixTest {
    private static byte[] bytes(int headerBytes, long payloadBytes) {
        var prefix = ByteBuffer.allocate(FramePrefix.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        FramePrefix.put(prefix, headerBytes, payloadBytes);
        return prefix.array();
    }

    private static ByteBuffer prefix(int headerBytes, long payloadBytes) {
        return ByteBuffer.wrap(bytes(headerBytes, payloadBytes)).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static void assertRefused(Runnable reading, String says) {
        var refusal = assertThrows(TransferException.class, reading::run);
        assertEquals(ErrorCode.MALFORMED, refusal.code());
        assertTrue(refusal.getMessage().contains(says), refusal.getMessage());
    }

    @Test
    void lengthsSurviveTheTripWhereverThePrefixStands() {
        for (long payload : new long[] {0, 1, Integer.MAX_VALUE + 1L, Long.MAX_VALUE}) {
            for (int header : new int[] {0, 1, FramePrefix.MAX_HEADER_BYTES}) {
                var later =
                        ByteBuffer.allocate(3 + FramePrefix.BYTES)
                                .order(ByteOrder.LITTLE_ENDIAN)
                                .put(3, bytes(header, payload))
                                .position(3);
                assertEquals(header, FramePrefix.headerBytes(later));
                assertEquals(payload, FramePrefix.payloadBytes(later));
                assertEquals(3, later.position(), "read in place");
            }
        }
    }

    @Test
    void itsBytesAreWhatTheWireFormatSays() {
        assertEquals(
                "4b 56 57 46 04 03 02 01 0c 0b 0a 09 08 07 06 05",
                HexFormat.ofDelimiter(" ").formatHex(bytes(0x01020304, 0x05060708090a0b0cL)));
    }

    @ParameterizedTest
    @ValueSource(
            ints = {-1, Integer.MIN_VALUE, Integer.MAX_VALUE, FramePrefix.MAX_HEADER_BYTES + 1})
    void aHeaderThatIsTooLongIsRefused(int bytes) {
        assertRefused(
                () -> FramePrefix.headerBytes(prefix(bytes, 0)),
                Integer.toUnsignedString(bytes) + " bytes: at most 65536");
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, Long.MIN_VALUE})
    void aPayloadThatIsTooLongForAnyMemoryIsRefused(long bytes) {
        assertRefused(
                () -> FramePrefix.payloadBytes(prefix(0, bytes)),
                Long.toUnsignedString(bytes) + " bytes");
    }

    @Test
    void whatDoesNotStartAFrameIsRefused() {
        var prefix = prefix(0, 0).putInt(0, ControlFrame.MAGIC);
        assertRefused(() -> FramePrefix.headerBytes(prefix), "0x4357564b");
    }
}
