package io.kvwire.harness.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/** A safetensors file is read as written, and anything else is refused before it costs memory. */
class SafetensorsTest {

    @Test
    void tensorsOfAllFloatTypesAreRead() {
        var header =
                """
                {"__metadata__":{"format":"pt"},
                 "a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},
                 "b":{"dtype":"BF16","shape":[2],"data_offsets":[8,12]},
                 "c":{"dtype":"F16","shape":[],"data_offsets":[12,14]},
                 "empty":{"dtype":"I64","shape":[0,5],"data_offsets":[14,14]}}\
                """;
        byte[] data = {
            0, 0, (byte) 0x80, 0x3F, 0, 0, 0, 0x40, 0x40, 0x40, (byte) 0x80, 0x40, 0, 0x45
        };
        try (var file = Safetensors.of(file(header, data), "test")) {
            assertEquals(List.of("a", "b", "c", "empty"), List.copyOf(file.tensors().keySet()));
            assertArrayEquals(new float[] {1, 2}, floats(file, "a", 2));
            assertArrayEquals(new float[] {3, 4}, floats(file, "b", 2));
            assertArrayEquals(new float[] {5}, floats(file, "c", 1));
            assertEquals("F32 [2, 1]", file.tensor("a").orElseThrow().describe());
            assertTrue(file.tensor("d").isEmpty());
        }
    }

    @Test
    void aTensorThatIsNoFloatIsListedButNotRead() {
        var header = "{\"a\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]}}";
        var tensor = Safetensors.of(file(header, new byte[8]), "test").tensor("a").orElseThrow();
        var thrown = assertThrows(ModelException.class, () -> tensor.read(0, new float[1], 1));
        assertTrue(thrown.getMessage().contains("tensor a has elements of type I64"));
    }

    @Test
    void aReadPastTheEndOfATensorIsRefused() {
        var header =
                """
                {"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},
                 "b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}\
                """;
        var tensor = Safetensors.of(file(header, new byte[8]), "test").tensor("a").orElseThrow();
        assertThrows(IndexOutOfBoundsException.class, () -> tensor.read(0, new float[2], 2));
        assertThrows(IndexOutOfBoundsException.class, () -> tensor.read(1, new float[1], 1));
        assertThrows(IndexOutOfBoundsException.class, () -> tensor.read(-1, new float[1], 1));
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, 0, 1, 100_000_001, Long.MAX_VALUE, Long.MIN_VALUE, 1L << 32, 57})
    void aWildHeaderLengthIsRefusedWithoutAllocation(long length) {
        var bytes = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array();
        refused("its header claims", MemorySegment.ofArray(bytes));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 7})
    void aFileShorterThanItsFirstFieldIsRefused(int size) {
        refused("fewer than the 8", MemorySegment.ofArray(new byte[size]));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[]",
                "12",
                "{\"a\":",
                "{\"a\":{}} {}",
                "{\"a\":{},\"a\":{}}",
                "\0\0\0\0",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}",
                "{\"a\":{\"dtype\":3,\"shape\":[1],\"data_offsets\":[0,4]}}",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":1,\"data_offsets\":[0,4]}}",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}"
            })
    void aHeaderThatIsNotOneIsRefused(String header) {
        var thrown =
                assertThrows(
                        ModelException.class,
                        () -> Safetensors.of(file(header, new byte[4]), "test.safetensors"));
        assertTrue(thrown.getMessage().startsWith("test.safetensors is not a valid safetensors"));
        assertEquals(1, thrown.getMessage().lines().count());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "[2];[0,4];needs 8 bytes but has 4",
                "[1];[0,8];needs 4 bytes but has 8",
                "[1];[4,0];claims bytes 4 to 0 of 8",
                "[1];[0,9];claims bytes 0 to 9 of 8",
                "[1];[8,12];claims bytes 8 to 12 of 8",
                "[1];[4,8];after a hole",
                "[1];[0,4];its tensors end at byte 4 of 8",
                "[1];[-4,0];no whole number",
                "[1];[0,4.5];no whole number",
                "[1];[0,9223372036854775807];claims bytes",
                "[1];[0,9223372036854775808];no whole number",
                "[1];[0,1e400];no whole number",
                "[-1];[0,4];no whole number",
                "[\"1\"];[0,4];no whole number",
                "[4611686018427387904,4];[0,8];larger than any file",
                "[9223372036854775807,2,2];[0,8];larger than any file",
                "[2147483648,2147483648,4];[0,8];larger than any file"
            })
    void shapesAndOffsetsThatDoNotFitAreRefused(String shape, String offsets, String reason) {
        var header =
                "{\"a\":{\"dtype\":\"F32\",\"shape\":"
                        + shape
                        + ",\"data_offsets\":"
                        + offsets
                        + "}}";
        refused(reason, file(header, new byte[8]));
    }

    @Test
    void tensorsThatOverlapAreRefused() {
        var header =
                """
                {"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
                 "b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}\
                """;
        refused("inside another tensor", file(header, new byte[12]));
    }

    @Test
    void aFileCutAnywhereIsRefused() {
        var whole = valid();
        for (long size = 0; size < whole.byteSize(); size++) {
            var cut = whole.asSlice(0, size);
            assertThrows(ModelException.class, () -> Safetensors.of(cut, "test"));
        }
        Safetensors.of(whole, "test").close();
    }

    @Property(tries = 2_000)
    void damagedBytesNeverEndInAnythingButARefusalOrTensorsInsideTheFile(@ForAll long seed) {
        var random = new Random(seed);
        var bytes = valid().toArray(ValueLayout.JAVA_BYTE);
        for (int i = random.nextInt(4); i >= 0; i--) {
            bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
        }
        try (var file = Safetensors.of(MemorySegment.ofArray(bytes), "test")) {
            for (var tensor : file.tensors().values()) {
                assertTrue(tensor.data().byteSize() <= bytes.length);
            }
        } catch (ModelException e) {
            assertTrue(e.getMessage().contains("test is not a valid safetensors file"));
        }
    }

    @Test
    void aMissingFileAndAFolderAreNamed(@TempDir Path folder) {
        var missing = folder.resolve("none.safetensors");
        var thrown = assertThrows(ModelException.class, () -> Safetensors.open(missing));
        assertTrue(thrown.getMessage().contains("none.safetensors does not exist"));
        assertThrows(ModelException.class, () -> Safetensors.open(folder));
    }

    @Test
    void shardsAreFoundThroughTheirIndex(@TempDir Path folder) throws IOException {
        write(folder.resolve("one.safetensors"), "a");
        write(folder.resolve("two.safetensors"), "b");
        index(folder, "{\"weight_map\":{\"a\":\"one.safetensors\",\"b\":\"two.safetensors\"}}");
        try (var weights = WeightFiles.open(folder)) {
            assertArrayEquals(new float[] {1, 2}, weights.vector("a", 2));
            assertArrayEquals(new float[] {1, 2}, weights.vector("b", 2));
            var missing = assertThrows(ModelException.class, () -> weights.vector("c", 2));
            assertTrue(missing.getMessage().contains("has no tensor c"));
            var shape = assertThrows(ModelException.class, () -> weights.matrix("b", 2, 2));
            assertTrue(shape.getMessage().contains("two.safetensors: tensor b is F32 [2]"));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"weight_map\":{\"a\":\"../one.safetensors\"}}",
                "{\"weight_map\":{\"a\":\"/etc/passwd\"}}",
                "{\"weight_map\":{\"a\":\"sub/one.safetensors\"}}",
                "{\"weight_map\":{\"a\":\"..\"}}",
                "{\"weight_map\":{\"a\":\"none.safetensors\"}}",
                "{\"weight_map\":{\"a\":\"\\u0000\"}}",
                "{\"weight_map\":{}}",
                "{}",
                "nonsense"
            })
    void anIndexThatNamesNothingOrReachesOutOfItsFolderIsRefused(
            String content, @TempDir Path folder) throws IOException {
        var inner = Files.createDirectory(folder.resolve("model"));
        write(folder.resolve("one.safetensors"), "a");
        index(inner, content);
        var thrown = assertThrows(ModelException.class, () -> WeightFiles.open(inner));
        assertEquals(1, thrown.getMessage().lines().count(), thrown.getMessage());
    }

    private static MemorySegment valid() {
        var header =
                """
                {"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
                 "b":{"dtype":"BF16","shape":[3,2],"data_offsets":[8,20]}}\
                """;
        return file(header, new byte[20]);
    }

    private static void write(Path path, String tensor) throws IOException {
        var header =
                "{\"" + tensor + "\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";
        byte[] data = {0, 0, (byte) 0x80, 0x3F, 0, 0, 0, 0x40};
        Files.write(path, file(header, data).toArray(ValueLayout.JAVA_BYTE));
    }

    private static void index(Path folder, String content) throws IOException {
        Files.writeString(folder.resolve("model.safetensors.index.json"), content);
    }

    private static MemorySegment file(String header, byte[] data) {
        var json = header.getBytes(StandardCharsets.UTF_8);
        var bytes = ByteBuffer.allocate(8 + json.length + data.length);
        bytes.order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).put(json).put(data);
        return MemorySegment.ofArray(bytes.array());
    }

    private static float[] floats(Safetensors file, String name, int count) {
        var values = new float[count];
        file.tensor(name).orElseThrow().read(0, values, count);
        return values;
    }

    private static void refused(String reason, MemorySegment bytes) {
        var thrown = assertThrows(ModelException.class, () -> Safetensors.of(bytes, "test"));
        assertTrue(thrown.getMessage().contains(reason), thrown.getMessage());
    }
}
