package io.kvwire.harness.split;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.harness.model.LlamaConfig;
import io.kvwire.harness.model.Rope;
import io.kvwire.transport.BlockTable;
import io.kvwire.transport.CodecConfig;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvOrder;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

class CacheFileTest {
    private static final String MODEL = "00112233445566778899aabbccddeeff";
    private static final long REQUEST = 7;

    /** Two blocks and a half. */
    private static final int TOKENS = 40;

    @TempDir private Path folder;

    private final BlockTable table = BlockTable.of(1, new int[] {5, 0, 1}, new int[3]);
    private CacheMemory source;
    private CacheMemory target;
    private Path file;

    @BeforeEach
    void fillTheSource() throws IOException {
        source = memory(CacheShape.DEFAULT);
        target = memory(CacheShape.DEFAULT);
        fill(source);
        file = folder.resolve("kv");
        save(source, "raw");
    }

    @AfterEach
    void freeBoth() {
        source.close();
        target.close();
    }

    private static CacheMemory memory(CacheShape shape) {
        return CacheMemory.allocate(LlamaConfig.tiny(), shape, 128);
    }

    /** BF16 numbers of either sign from 0.5 to 2, all of the memory. */
    private static void fill(CacheMemory memory) {
        var random = new Random(4);
        for (var layer : memory.placement()) {
            for (long at = 0; at < layer.key().byteSize(); at += 2) {
                short bits = (short) (0x3F00 | (random.nextInt() & 0x80FF));
                layer.key().set(ValueLayout.JAVA_SHORT, at, bits);
            }
        }
    }

    private void save(CacheMemory memory, String codec) throws IOException {
        try (var frames = frames(memory, codec, REQUEST, MODEL)) {
            CacheFile.save(file, frames);
        }
    }

    private CacheFrames frames(CacheMemory memory, String codec, long request, String model) {
        var config = CodecConfig.of(codec);
        var name = config.names().getFirst();
        var made = new FileFolder(folder, config).codec(name, model);
        return new CacheFrames(memory, table, request, TOKENS, made);
    }

    @ParameterizedTest
    @CsvSource({"SPLIT, raw", "FUSED, raw", "SPLIT, raw+lz4"})
    void whatIsSavedIsLoadedTokenForTokenAndNothingElseIsTouched(KvForm form, String codec)
            throws IOException {
        try (var from = memory(CacheShape.DEFAULT.withForm(form));
                var to = memory(CacheShape.DEFAULT.withForm(form))) {
            fill(from);
            save(from, codec);

            try (var frames = frames(to, codec, REQUEST, MODEL)) {
                long bytes = CacheFile.load(file, frames);
                assertEquals(TOKENS * from.layout().tokenBytes() * from.placement().size(), bytes);
            }

            for (int layer = 0; layer < from.placement().size(); layer++) {
                for (int id = 0; id < from.blocks(); id++) {
                    var expected = block(from, layer, id);
                    int place = Arrays.stream(table.ids()).boxed().toList().indexOf(id);
                    int tokens = place < 0 ? 0 : Math.min(16, TOKENS - 16 * place);
                    clearBehind(from, expected, tokens);
                    assertEquals(-1, expected.mismatch(block(to, layer, id)), "block " + id);
                }
            }
        }
    }

    /** K and V of a block, whatever lies between them. */
    private static MemorySegment block(CacheMemory memory, int layer, int id) {
        var place = memory.placement().get(layer);
        long part = memory.layout().partBytes();
        var both = new byte[(int) (2 * part)];
        long stride = id * place.blockStride();
        var bytes = MemorySegment.ofArray(both);
        MemorySegment.copy(place.key(), place.keyOffset() + stride, bytes, 0, part);
        MemorySegment.copy(place.value(), place.valueOffset() + stride, bytes, part, part);
        return bytes;
    }

    private static void clearBehind(CacheMemory memory, MemorySegment block, int tokens) {
        long part = memory.layout().partBytes();
        long kept = tokens * memory.layout().tokenStride();
        block.asSlice(kept, part - kept).fill((byte) 0);
        block.asSlice(part + kept, part - kept).fill((byte) 0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"int8", "int8,scales=fp16,keys=hadamard"})
    void anInt8FileIsSmallerAndItsElementsAreNextToTheSaved(String codec) throws IOException {
        long raw = Files.size(file);
        save(source, codec);
        // One byte instead of two for an element, a scale of four for each row, and headers.
        double most = 0.5 + 2.0 / source.layout().headDim() + 0.05;
        assertTrue(Files.size(file) < raw * most, Files.size(file) + " bytes of " + raw);

        // The reader learns from the frames what was done, and needs no options.
        try (var frames = frames(target, "int8", REQUEST, MODEL)) {
            CacheFile.load(file, frames);
        }

        for (int layer = 0; layer < source.placement().size(); layer++) {
            var expected = block(source, layer, 5);
            var loaded = block(target, layer, 5);
            for (long at = 0; at < expected.byteSize(); at += 2) {
                // Of numbers below 2, half a scale is below 0.01; the rotation adds up some of
                // them.
                assertEquals(number(expected, at), number(loaded, at), 0.05, "at " + at);
            }
        }
    }

    private static float number(MemorySegment elements, long at) {
        return Float.intBitsToFloat(elements.get(ValueLayout.JAVA_SHORT_UNALIGNED, at) << 16);
    }

    @Test
    void aCacheOfManyFramesIsCutAtTheBoundsOfBlocks() throws IOException {
        var wide =
                new LlamaConfig(
                        256,
                        64,
                        96,
                        2,
                        8,
                        8,
                        1024,
                        256,
                        1e-5f,
                        Rope.plain(10_000),
                        false,
                        List.of());
        try (var from = CacheMemory.allocate(wide, CacheShape.DEFAULT, 256);
                var to = CacheMemory.allocate(wide, CacheShape.DEFAULT, 256)) {
            fill(from);
            var all = BlockTable.of(1, new int[] {9, 3, 15, 0, 1, 2, 8, 14, 11, 4}, new int[10]);
            var codec = new FileFolder(folder, CodecConfig.RAW).codec("raw", MODEL);
            try (var saved = new CacheFrames(from, all, REQUEST, 155, codec);
                    var loaded = new CacheFrames(to, all, REQUEST, 155, codec)) {
                assertTrue(saved.slabs().size() > wide.layers(), "more than one frame a layer");
                for (var slab : saved.slabs()) {
                    assertEquals(0, slab.tokens().first() % 16);
                }

                assertEquals(CacheFile.save(file, saved), CacheFile.load(file, loaded));
            }
            for (int layer = 0; layer < wide.layers(); layer++) {
                var last = block(from, layer, 4);
                clearBehind(from, last, 155 - 144);
                assertEquals(-1, last.mismatch(block(to, layer, 4)));
                assertEquals(-1, block(from, layer, 9).mismatch(block(to, layer, 9)));
            }
        }
    }

    @Test
    void everyTruncationIsRefused() throws IOException {
        var whole = Files.readAllBytes(file);
        for (int length = 0; length < whole.length; length += 1 + length / 8) {
            Files.write(file, Arrays.copyOf(whole, length));
            refused(ErrorCode.MALFORMED, target, MODEL);
        }
        Files.write(file, Arrays.copyOf(whole, whole.length - 1));
        refused(ErrorCode.MALFORMED, target, MODEL);
        Files.write(file, Arrays.copyOf(whole, whole.length + 1));
        refused(ErrorCode.MALFORMED, target, MODEL);
    }

    @Test
    void aFlippedBitAnywhereIsRefused() throws IOException {
        var whole = Files.readAllBytes(file);
        var random = new Random(9);
        for (int at : random.ints(64, 0, whole.length).toArray()) {
            var flipped = whole.clone();
            flipped[at] ^= (byte) (1 << random.nextInt(8));
            Files.write(file, flipped);
            assertThrows(TransferException.class, () -> load(target, MODEL), () -> "byte " + at);
        }
        var first = whole.clone();
        first[0] ^= 1;
        Files.write(file, first);
        refused(ErrorCode.MALFORMED, target, MODEL);
        var last = whole.clone();
        last[whole.length - 1] ^= 1;
        Files.write(file, last);
        refused(ErrorCode.CORRUPT, target, MODEL);
    }

    @Test
    void anotherModelLayoutRequestOrCodecIsRefused() throws IOException {
        refused(ErrorCode.INCOMPATIBLE_LAYOUT, target, MODEL.replace('0', '1'));
        try (var other = memory(CacheShape.DEFAULT.withOrder(KvOrder.HND))) {
            refused(ErrorCode.INCOMPATIBLE_LAYOUT, other, MODEL);
        }
        try (var frames = frames(target, "raw", REQUEST + 1, MODEL)) {
            assertEquals(
                    ErrorCode.INCOMPATIBLE_LAYOUT,
                    assertThrows(TransferException.class, () -> CacheFile.load(file, frames))
                            .code());
        }
        save(source, "int8");
        refused(ErrorCode.INCOMPATIBLE_LAYOUT, target, MODEL);
    }

    @ParameterizedTest
    @ValueSource(strings = {"../x", "/etc/passwd", "", ".", "..", "a/b", ".hidden"})
    void aNameThatLeadsElsewhereIsRefused(String name) {
        var shared = new FileFolder(folder, CodecConfig.RAW);
        var refused = assertThrows(TransferException.class, () -> shared.inside(name));
        assertEquals(ErrorCode.ACCESS_DENIED, refused.code());
        assertEquals(folder, shared.inside("kv-1").getParent());
    }

    private void refused(ErrorCode code, CacheMemory memory, String model) {
        var refused = assertThrows(TransferException.class, () -> load(memory, model));
        assertEquals(code, refused.code(), refused.getMessage());
    }

    private void load(CacheMemory memory, String model) throws IOException {
        try (var frames = frames(memory, "raw", REQUEST, model)) {
            CacheFile.load(file, frames);
        }
    }
}
