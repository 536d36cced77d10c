package io.kvwire.codec;

import static io.kvwire.codec.FrameHeader.BYTES;

import io.kvwire.codec.rows.BytePlanes;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * The lossless stage of frames: compresses the codes of a frame where that saves enough, and makes
 * them plain again. Confined to one thread.
 */
final class Lossless {
    // Made when first needed, so that who does not compress loads no native library.
    private Optional<Lz4> lz4 = Optional.empty();
    private final Scratch joined = new Scratch();

    /**
     * Compresses the codes of a frame in place, unless that saves too little. Sets the codec, the
     * planes and the length in the header; sections behind the codes are left where they were.
     */
    void compress(FrameHeader header, MemorySegment frame) {
        int plain = (int) FrameSections.plainCodes(header);
        int width = header.sourceDtype.bytes();
        boolean planes = header.scheme == FrameHeader.SCHEME_RAW && width > 1;
        var stage = lz4();
        var memory = stage.plain(plain);
        if (planes) {
            BytePlanes.split(frame, BYTES, memory, plain / width, width);
        } else {
            MemorySegment.copy(frame, BYTES, memory, 0, plain);
        }
        int compressed = stage.compress(plain);
        if (compressed >= plain - plain / FrameRules.LEAST_SAVED) {
            return;
        }
        MemorySegment.copy(stage.block(compressed), 0, frame, BYTES, compressed);
        header.losslessCodec = FrameHeader.LOSSLESS_LZ4;
        header.planeTransform = planes ? FrameHeader.PLANES_OF_BYTES : 0;
        header.flags |= FrameHeader.FLAG_LOSSLESS;
        header.codeBytes = compressed;
    }

    /**
     * Makes the codes of a frame plain.
     *
     * @return memory that starts with them, or NULL when they are no LZ4 block of their length
     */
    MemorySegment decompress(FrameHeader header, MemorySegment frame) {
        int plain = (int) FrameSections.plainCodes(header);
        if (plain > Lz4.MOST_EXPANSION * header.codeBytes) {
            return MemorySegment.NULL;
        }
        var stage = lz4();
        var block = stage.block(header.codeBytes);
        MemorySegment.copy(frame, BYTES, block, 0, header.codeBytes);
        if (!stage.decompress(header.codeBytes, plain)) {
            return MemorySegment.NULL;
        }
        var memory = stage.plain(plain);
        if (header.planeTransform == 0) {
            return memory;
        }
        int width = header.sourceDtype.bytes();
        var elements = joined.ofBytes(plain);
        BytePlanes.join(memory, elements, plain / width, width);
        return elements;
    }

    private Lz4 lz4() {
        if (lz4.isEmpty()) {
            lz4 = Optional.of(new Lz4());
        }
        return lz4.get();
    }
}
