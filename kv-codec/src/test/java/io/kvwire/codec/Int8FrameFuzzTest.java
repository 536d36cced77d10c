package io.kvwire.codec;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import com.code_intelligence.jazzer.junit.FuzzTest;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.KvCodecProvider;
import io.kvwire.transport.spi.KvModel;
import io.kvwire.transport.spi.Slab;

import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.EnumSet;
import java.util.stream.Stream;
import java.util.zip.CRC32C;

class Int8FrameFuzzTest {
    private static final EnumSet<ErrorCode> REFUSALS =
            EnumSet.of(
                    ErrorCode.MALFORMED,
                    ErrorCode.CORRUPT,
                    ErrorCode.STALE,
                    ErrorCode.VERSION_MISMATCH);
    private static final Slab SLAB =
            CodecRuns.slab(
                    KvLayout.builder().kvHeads(2).headDim(20).tokensPerBlock(4).build(),
                    new TokenRange(2, 5));

    /** A frame of any scheme is refused without a trace, or decoded whole, twice alike. */
    @MethodSource("seeds")
    @FuzzTest(maxDuration = "20s")
    void framesAreDecodedWholeOrNotAtAll(byte[] data) {
        var frame = data.clone();
        if (frame.length > FrameHeader.BYTES) {
            sealAll(ByteBuffer.wrap(frame).order(ByteOrder.LITTLE_ENDIAN));
        }
        var target = new byte[(int) SLAB.rawBytes()];
        var untouched = target.clone();
        var codec = new Int8Codec(KvModel.UNKNOWN);
        try {
            codec.decode(MemorySegment.ofArray(frame), SLAB, Runs.whole(target));
        } catch (TransferException e) {
            if (!REFUSALS.contains(e.code())) {
                throw e;
            }
            assertArrayEquals(untouched, target);
            return;
        }
        assertArrayEquals(target, CodecRuns.decode(codec, SLAB, frame));
    }

    /** Makes the checksums right again where that is easy, so that the search gets past them. */
    private static void sealAll(ByteBuffer frame) {
        int wire = frame.capacity() - FrameHeader.BYTES;
        var crc = new CRC32C();
        crc.update(frame.slice(FrameHeader.BYTES, wire));
        frame.putInt(116, (int) crc.getValue());
        boolean plain = frame.get(15) == 0;
        int codes = frame.getInt(100);
        if (plain && codes >= 0 && codes <= wire) {
            crc.reset();
            crc.update(frame.slice(FrameHeader.BYTES, codes));
            frame.putInt(120, (int) crc.getValue());
        }
        FrameHeaderTest.seal(frame);
    }

    static Stream<Arguments> seeds() {
        var source = CodecRuns.gaussian(SLAB, 1);
        // A NaN in the last row, and a V that repeats, for frames with every section.
        source[source.length - 1] = 0x7F;
        source[source.length - 2] = -1;
        return Stream.of(
                        "raw",
                        "int8",
                        "int8,scales=fp16",
                        "int8,range=asymmetric",
                        "int8,keys=raw",
                        "int8,keys=channel",
                        "int8,keys=hadamard",
                        "int8,keys=outliers:2",
                        "int8+lz4",
                        "raw+lz4")
                .flatMap(text ->
                        Stream.of(source, new byte[source.length])
                                .map(elements -> frame(text, elements)));
    }

    private static Arguments frame(String codec, byte[] elements) {
        var encoder = KvCodecProvider.create(codec, KvModel.UNKNOWN);
        return Arguments.of((Object) CodecRuns.encode(encoder, SLAB, elements));
    }
}
