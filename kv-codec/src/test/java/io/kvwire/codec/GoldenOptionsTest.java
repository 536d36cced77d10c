package io.kvwire.codec;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.codec.rows.RowKernels;
import io.kvwire.codec.rows.ScalarRowKernels;
import io.kvwire.codec.simd.VectorRowKernels;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.KvCodec;
import io.kvwire.transport.spi.KvCodecProvider;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** Every option against frames that were written from the specification, by other code. */
class GoldenOptionsTest {
    static List<GoldenOptions> all() {
        return GoldenOptions.all();
    }

    /** With each kernel where the codec has them. */
    private static List<KvCodec> codecs(GoldenOptions golden) {
        var text = golden.codec();
        if (!text.startsWith("int8")) {
            return List.of(KvCodecProvider.create(text, GoldenFrame.MODEL));
        }
        int comma = text.indexOf(',');
        var options = Int8Options.parse(comma < 0 ? "" : text.substring(comma + 1));
        List<RowKernels> kernels = List.of(new ScalarRowKernels(), new VectorRowKernels());
        return kernels.stream()
                .<KvCodec>map(kernel ->
                        new Int8Codec(GoldenFrame.MODEL, options, kernel, golden.compressed()))
                .toList();
    }

    @ParameterizedTest
    @MethodSource("all")
    void elementsAreEncodedIntoTheFrame(GoldenOptions golden) {
        for (var codec : codecs(golden)) {
            var frame = CodecRuns.encode(codec, golden.slab(), golden.source());
            if (golden.compressed()) {
                // LZ4 blocks may be made in many ways; the golden one is compressed, and so is
                // ours.
                assertEquals(golden.frame()[15], frame[15]);
                assertArrayEquals(golden.decoded(), CodecRuns.decode(codec, golden.slab(), frame));
            } else {
                assertArrayEquals(golden.frame(), frame);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("all")
    void theFrameIsDecodedIntoItsElements(GoldenOptions golden) {
        for (var codec : codecs(golden)) {
            assertArrayEquals(
                    golden.decoded(), CodecRuns.decode(codec, golden.slab(), golden.frame()));
        }
    }

    /** Frames describe themselves: a reader needs none of the options. */
    @ParameterizedTest
    @MethodSource("all")
    void theFrameIsDecodedByACodecOfOtherOptions(GoldenOptions golden) {
        var codec = KvCodecProvider.create("int8,values=hadamard", GoldenFrame.MODEL);

        assertArrayEquals(golden.decoded(), CodecRuns.decode(codec, golden.slab(), golden.frame()));
    }

    @ParameterizedTest
    @MethodSource("all")
    void everyFlippedBitAndEveryTruncationIsRefusedAndNothingIsWritten(GoldenOptions golden) {
        var codec = codecs(golden).getLast();
        var frame = golden.frame();
        for (int bit = 0; bit < frame.length * 8; bit++) {
            frame[bit / 8] ^= (byte) (1 << bit % 8);
            refused(codec, golden, frame, "bit " + bit);
            frame[bit / 8] ^= (byte) (1 << bit % 8);
        }
        for (int length = 0; length < frame.length; length++) {
            refused(codec, golden, Arrays.copyOf(frame, length), "length " + length);
        }
        refused(codec, golden, Arrays.copyOf(frame, frame.length + 1), "one byte more");
    }

    private static void refused(KvCodec codec, GoldenOptions golden, byte[] frame, String what) {
        var target = new byte[(int) golden.slab().rawBytes()];
        var refusal =
                assertThrows(
                        TransferException.class,
                        () ->
                                codec.decode(
                                        MemorySegment.ofArray(frame),
                                        golden.slab(),
                                        Runs.whole(target)),
                        what);
        assertTrue(
                Set.of(ErrorCode.MALFORMED, ErrorCode.CORRUPT, ErrorCode.VERSION_MISMATCH)
                        .contains(refusal.code()),
                () -> what + ": " + refusal.code());
        assertArrayEquals(new byte[target.length], target, what);
    }

    @Test
    void everyFrameOfTheFolderHasItsCase() throws Exception {
        var named = new TreeSet<String>();
        all().forEach(golden -> named.add("options-v1-" + golden.name() + ".frame"));

        assertEquals(named, frames());
    }

    private static Set<String> frames() throws IOException {
        var folder = Path.of("src/test/resources/io/kvwire/codec/golden");
        try (var files = Files.list(folder)) {
            var names = new TreeSet<String>();
            files.map(file -> file.getFileName().toString())
                    .filter(name -> name.startsWith("options-v1-") && name.endsWith(".frame"))
                    .forEach(names::add);
            return names;
        }
    }
}
