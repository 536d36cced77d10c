package io.kvwire.codec;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

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
import java.util.zip.CRC32C;

class RawCodecFuzzTest {
    private static final EnumSet<ErrorCode> REFUSALS =
            EnumSet.of(
                    ErrorCode.MALFORMED,
                    ErrorCode.CORRUPT,
                    ErrorCode.STALE,
                    ErrorCode.VERSION_MISMATCH);

    /** A frame is refused without a trace, or is the expected one and its payload is in place. */
    @MethodSource("seeds")
    @FuzzTest(maxDuration = "20s")
    void framesAreDecodedWholeOrNotAtAll(byte[] data) {
        var frame = data.clone();
        if (frame.length >= FrameHeader.BYTES) {
            sealAll(ByteBuffer.wrap(frame).order(ByteOrder.LITTLE_ENDIAN));
        }
        var target = new byte[(int) GoldenFrame.SLAB.rawBytes()];
        var untouched = target.clone();
        try {
            new RawCodec(GoldenFrame.MODEL)
                    .decode(MemorySegment.ofArray(frame), GoldenFrame.SLAB, Runs.whole(target));
        } catch (TransferException e) {
            if (!REFUSALS.contains(e.code())) {
                throw e;
            }
            assertArrayEquals(untouched, target);
            return;
        }
        assertArrayEquals(Arrays.copyOfRange(frame, FrameHeader.BYTES, frame.length), target);
    }

    /** Makes all checksums right again, so that the search gets past them. */
    private static void sealAll(ByteBuffer frame) {
        var crc = new CRC32C();
        crc.update(frame.slice(FrameHeader.BYTES, frame.capacity() - FrameHeader.BYTES));
        frame.putInt(116, (int) crc.getValue()).putInt(120, (int) crc.getValue());
        FrameHeaderTest.seal(frame);
    }

    static Stream<Arguments> seeds() {
        return Stream.of(
                Arguments.of((Object) new byte[0]), Arguments.of((Object) GoldenFrame.bytes()));
    }
}
