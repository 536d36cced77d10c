package io.kvwire.codec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.DType;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Headers of scheme 1 whose checksum is right and one of whose fields is not. */
class FrameRulesTest {
    @ParameterizedTest(name = "{0} bytes at {1} set to {2}: {3}")
    @CsvSource({
        "1, 5, 0, minor version",
        "2, 8, 0x5F, flag passthrough",
        "2, 8, 0x6F, flag lossless",
        "2, 8, 0x0F, flag unscaled rows",
        "1, 10, 3, raw bytes",
        "1, 11, 2, code dtype",
        "1, 12, 1, scale bytes",
        "1, 12, 2, scale dtype",
        "1, 13, 0, flag passthrough",
        "1, 13, 2, scale bytes",
        "1, 13, 3, unknown scheme",
        "1, 14, 0, rounding",
        "1, 15, 1, flag lossless",
        "1, 16, 1, plane transform",
        "1, 18, 1, code bytes",
        "1, 18, 2, scale bytes",
        "1, 18, 4, outlier channels",
        "1, 18, 5, unknown coding",
        "1, 18, 255, unknown coding",
        "1, 19, 1, code bytes",
        "1, 19, 2, is not one of values",
        "1, 19, 4, is not one of values",
        "4, 20, 127, group size",
        "4, 100, 3585, code bytes",
        "4, 104, 108, scale bytes",
        "4, 108, 255, auxiliary bytes of part of a row",
        "4, 108, 0, flag unscaled rows",
        "4, 108, 3712, auxiliary bytes",
        "2, 112, 1, outlier channels",
        "2, 114, 1, reserved",
    })
    void aFieldAgainstItsRuleIsMalformed(int size, int offset, String value, String message) {
        var frame = GoldenInt8.of(DType.BF16).frame();
        var buffer = ByteBuffer.wrap(frame).order(ByteOrder.LITTLE_ENDIAN);
        long number = Long.decode(value);
        switch (size) {
            case 1 -> buffer.put(offset, (byte) number);
            case 2 -> buffer.putShort(offset, (short) number);
            default -> buffer.putInt(offset, (int) number);
        }
        // So that the rule of the section is met and not that of their sum.
        long end =
                FrameSections.wireBytes(buffer.getInt(100), buffer.getInt(104), buffer.getInt(108));
        buffer.putInt(96, (int) end);
        FrameHeaderTest.seal(buffer);

        var refusal =
                assertThrows(
                        TransferException.class,
                        () -> new FrameHeader().decode(MemorySegment.ofArray(frame)));

        assertEquals(ErrorCode.MALFORMED, refusal.code());
        assertTrue(refusal.getMessage().contains(message), refusal.getMessage());
    }
}
