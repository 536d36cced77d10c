package io.kvwire.codec;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.code_intelligence.jazzer.junit.FuzzTest;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.stream.Stream;

class KvFrameHeaderFuzzTest {
    private static final EnumSet<ErrorCode> REFUSALS =
            EnumSet.of(ErrorCode.MALFORMED, ErrorCode.CORRUPT, ErrorCode.VERSION_MISMATCH);

    /** Whatever is not refused is a header that is written back as it was. */
    @MethodSource("seeds")
    @FuzzTest(maxDuration = "20s")
    void bytesAreAHeaderOrRefused(byte[] data) {
        var frame = data.clone();
        if (frame.length >= FrameHeader.BYTES) {
            FrameHeaderTest.seal(ByteBuffer.wrap(frame).order(ByteOrder.LITTLE_ENDIAN));
        }
        var header = new FrameHeader();
        try {
            header.decode(MemorySegment.ofArray(frame));
        } catch (TransferException e) {
            if (!REFUSALS.contains(e.code())) {
                throw e;
            }
            return;
        }
        var again = new byte[FrameHeader.BYTES];
        header.encode(MemorySegment.ofArray(again));
        assertArrayEquals(Arrays.copyOf(frame, FrameHeader.BYTES), again);
        assertEquals(frame.length, FrameHeader.BYTES + header.wireBytes);
    }

    static Stream<Arguments> seeds() {
        var frame = GoldenFrame.bytes();
        return Stream.of(
                Arguments.of((Object) new byte[0]),
                Arguments.of((Object) Arrays.copyOf(frame, FrameHeader.BYTES)),
                Arguments.of((Object) frame));
    }
}
