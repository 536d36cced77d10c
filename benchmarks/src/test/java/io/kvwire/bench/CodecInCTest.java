package io.kvwire.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kvwire.bench.ffi.CodecInC;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.File;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;

/**
 * What {@link CodecBenchmark} measures against does the same work: C gives the codes and the scales
 * of the golden frame, and the elements that the frame is decoded to, bit for bit.
 */
class CodecInCTest {
    private static final String GOLDEN = "../kv-codec/src/test/resources/io/kvwire/codec/golden/";
    private static final int DIM = 128;
    private static final int ROW_BYTES = 2 * DIM;
    private static final int HEADER_BYTES = 128;
    private static final int SECTION_ALIGNMENT = 64;
    private static final ValueLayout.OfInt BITS =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    @TempDir private static Path folder;
    private static CodecInC c;

    private final MemorySegment source = golden("source");
    private final MemorySegment decoded = golden("decoded");
    private final MemorySegment frame = golden("frame");
    private final long rows = source.byteSize() / ROW_BYTES;
    private final long scalesAt =
            Math.ceilDiv(HEADER_BYTES + rows * DIM, SECTION_ALIGNMENT) * SECTION_ALIGNMENT;

    @BeforeAll
    static void compile() throws Exception {
        assumeTrue(
                Pattern.compile(File.pathSeparator)
                        .splitAsStream(System.getenv("PATH"))
                        .anyMatch(place -> Files.isExecutable(Path.of(place, "cc"))),
                "no C compiler, cc, on the PATH");
        var library = folder.resolve("libint8codec.so");
        var log = folder.resolve("log");
        var compiler =
                new ProcessBuilder(
                                "cc",
                                "-O3",
                                "-march=native",
                                "-std=gnu11",
                                "-shared",
                                "-fPIC",
                                "-o",
                                library.toString(),
                                "c/int8_codec.c")
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start();
        assertEquals(0, compiler.waitFor(), () -> text(log));
        c = new CodecInC(library);
    }

    @Test
    void rowsAreEncodedToTheGoldenCodesAndScales() {
        var codes = Arena.ofAuto().allocate(rows * DIM + rows * Float.BYTES, 64);
        c.encode(source, DIM, codes, false);

        int scaled = 0;
        for (int row = 0; row < rows; row++) {
            int scale = codes.get(BITS, rows * DIM + row * (long) Float.BYTES);
            assertEquals(goldenScale(row), scale, "scale of row " + row);
            // A row without a scale keeps its bits, which is not the kernel's part.
            if (scale != 0) {
                scaled++;
                assertEquals(
                        -1,
                        codes.asSlice(row * (long) DIM, DIM)
                                .mismatch(frame.asSlice(HEADER_BYTES + row * (long) DIM, DIM)),
                        "codes of row " + row);
            }
        }
        assertTrue(scaled > rows / 2 && scaled < rows, scaled + " rows of " + rows);
    }

    @Test
    void goldenCodesAreDecodedToTheGoldenElements() {
        var codes = Arena.ofAuto().allocate(rows * DIM + rows * Float.BYTES, 64);
        codes.copyFrom(frame.asSlice(HEADER_BYTES, rows * DIM));
        codes.asSlice(rows * DIM).copyFrom(frame.asSlice(scalesAt, rows * Float.BYTES));
        var elements = Arena.ofAuto().allocate(source.byteSize(), 64);
        c.decode(codes, DIM, elements, false);

        for (int row = 0; row < rows; row++) {
            if (goldenScale(row) != 0) {
                long at = row * (long) ROW_BYTES;
                assertEquals(
                        -1,
                        elements.asSlice(at, ROW_BYTES).mismatch(decoded.asSlice(at, ROW_BYTES)),
                        "elements of row " + row);
            }
        }
    }

    @Test
    void aWrongChecksumIsNotDecoded() {
        var codes = Arena.ofAuto().allocate(rows * DIM + rows * Float.BYTES + 4, 64);
        c.encode(source, DIM, codes, true);
        var elements = Arena.ofAuto().allocate(source.byteSize(), 64);
        c.decode(codes, DIM, elements, true);
        assertTrue(elements.mismatch(Arena.ofAuto().allocate(source.byteSize())) >= 0);

        codes.set(ValueLayout.JAVA_BYTE, 5, (byte) (codes.get(ValueLayout.JAVA_BYTE, 5) ^ 1));
        elements.fill((byte) 0);
        c.decode(codes, DIM, elements, true);
        assertEquals(-1, elements.mismatch(Arena.ofAuto().allocate(source.byteSize())));
    }

    private int goldenScale(int row) {
        return frame.get(BITS, scalesAt + row * (long) Float.BYTES);
    }

    /** A golden file, in memory that C can be given. */
    private static MemorySegment golden(String kind) {
        try {
            var bytes = Files.readAllBytes(Path.of(GOLDEN + "int8-v1-bf16." + kind));
            return Arena.ofAuto().allocate(bytes.length, 64).copyFrom(MemorySegment.ofArray(bytes));
        } catch (IOException e) {
            throw new IllegalStateException("the golden frames of kv-codec are not there", e);
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }
}
