package io.kvwire.harness.split;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.kvwire.harness.model.LlamaConfig;
import io.kvwire.transport.BlockTable;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvOrder;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;

class CacheFileTest {
    private static final String MODEL = "00112233445566778899aabbccddeeff";
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
        var random = new Random(4);
        for (var layer : source.placement()) {
            var bytes = new byte[(int) layer.key().byteSize()];
            random.nextBytes(bytes);
            MemorySegment.copy(bytes, 0, layer.key(), ValueLayout.JAVA_BYTE, 0, bytes.length);
        }
        file = folder.resolve("kv");
        CacheFile.save(file, source, table, TOKENS, MODEL);
    }

    @AfterEach
    void freeBoth() {
        source.close();
        target.close();
    }

    private static CacheMemory memory(CacheShape shape) {
        return CacheMemory.allocate(LlamaConfig.tiny(), shape, 128);
    }

    @ParameterizedTest
    @EnumSource(
            value = KvForm.class,
            names = {"SPLIT", "FUSED"})
    void whatIsSavedIsLoadedBlockForBlock(KvForm form) throws IOException {
        try (var from = memory(CacheShape.DEFAULT.withForm(form));
                var to = memory(CacheShape.DEFAULT.withForm(form))) {
            for (int layer = 0; layer < from.placement().size(); layer++) {
                from.placement().get(layer).key().copyFrom(source.placement().get(layer).key());
            }
            CacheFile.save(file, from, table, TOKENS, MODEL);

            CacheFile.load(file, to, table, TOKENS, MODEL);

            for (int layer = 0; layer < from.placement().size(); layer++) {
                for (int id = 0; id < from.blocks(); id++) {
                    boolean listed = Arrays.stream(table.ids()).boxed().toList().contains(id);
                    var expected = listed ? block(from, layer, id) : zeros(from);
                    assertEquals(-1, expected.mismatch(block(to, layer, id)), "block " + id);
                }
            }
        }
    }

    private static MemorySegment block(CacheMemory memory, int layer, int id) {
        var place = memory.placement().get(layer);
        long part = memory.layout().partBytes();
        var both = new byte[(int) (2 * part)];
        MemorySegment.copy(
                place.key(),
                ValueLayout.JAVA_BYTE,
                place.keyOffset() + id * place.blockStride(),
                both,
                0,
                (int) part);
        MemorySegment.copy(
                place.value(),
                ValueLayout.JAVA_BYTE,
                place.valueOffset() + id * place.blockStride(),
                both,
                (int) part,
                (int) part);
        return MemorySegment.ofArray(both);
    }

    private static MemorySegment zeros(CacheMemory memory) {
        return MemorySegment.ofArray(new byte[(int) memory.layout().blockBytes()]);
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
            assertThrows(
                    TransferException.class,
                    () -> CacheFile.load(file, target, table, TOKENS, MODEL),
                    () -> "byte " + at);
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
    void anotherModelOrLayoutIsRefused() {
        refused(ErrorCode.INCOMPATIBLE_LAYOUT, target, MODEL.replace('0', '1'));
        try (var other = memory(CacheShape.DEFAULT.withOrder(KvOrder.HND))) {
            refused(ErrorCode.INCOMPATIBLE_LAYOUT, other, MODEL);
        }
    }

    private void refused(ErrorCode code, CacheMemory memory, String model) {
        var refused =
                assertThrows(
                        TransferException.class,
                        () -> CacheFile.load(file, memory, table, TOKENS, model));
        assertEquals(code, refused.code(), refused.getMessage());
    }
}
