package io.kvwire.harness.weights;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One safetensors file, mapped or in memory: 8 bytes of header length (little-endian), the header
 * in JSON, then the tensors' bytes. Format: the README of the {@code safetensors} project.
 *
 * <p>The header is not trusted: its length is compared with the file and with {@value
 * #MAX_HEADER_BYTES} before anything is read, and every tensor must lie inside the data, have as
 * many bytes as its shape says, and share none with another; the data has no hole.
 *
 * <p><b>Threading:</b> immutable and safe to share until closed.
 *
 * <p><b>Errors:</b> {@link ModelException} with the file, the tensor and the reason.
 */
public final class Safetensors implements AutoCloseable {
    /** The longest header that is read, as in the reference implementation (bytes). */
    public static final int MAX_HEADER_BYTES = 100_000_000;

    private static final int PREFIX_BYTES = 8;
    private static final ValueLayout.OfLong LENGTH =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ObjectReader JSON =
            JsonMapper.builder()
                    .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .build()
                    .reader();
    private static final Map<String, Integer> BYTES_OF_TYPE =
            Map.ofEntries(
                    Map.entry("BOOL", 1),
                    Map.entry("U8", 1),
                    Map.entry("I8", 1),
                    Map.entry("F8_E4M3", 1),
                    Map.entry("F8_E5M2", 1),
                    Map.entry("F8_E8M0", 1),
                    Map.entry("U16", 2),
                    Map.entry("I16", 2),
                    Map.entry("F16", 2),
                    Map.entry("BF16", 2),
                    Map.entry("U32", 4),
                    Map.entry("I32", 4),
                    Map.entry("F32", 4),
                    Map.entry("U64", 8),
                    Map.entry("I64", 8),
                    Map.entry("F64", 8));

    private final String where;
    private final Map<String, Tensor> tensors;
    private final Arena arena;

    private Safetensors(String where, Map<String, Tensor> tensors, Arena arena) {
        this.where = where;
        this.tensors = tensors;
        this.arena = arena;
    }

    /**
     * Maps a file.
     *
     * @param path the file
     * @return the open file; close it to unmap
     * @throws ModelException if it cannot be read or is not a valid safetensors file
     */
    public static Safetensors open(Path path) {
        // Shared, so that weights may be packed by several threads.
        var arena = Arena.ofShared();
        try (var channel = FileChannel.open(path)) {
            var bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            return new Safetensors(path.toString(), parse(bytes, path.toString()), arena);
        } catch (NoSuchFileException e) {
            arena.close();
            throw new ModelException(
                    path
                            + " does not exist; give the folder of a model with"
                            + " config.json and model.safetensors",
                    e);
        } catch (IOException e) {
            arena.close();
            throw new ModelException(
                    path + " cannot be read (" + e + "); check that it is a readable file", e);
        } catch (RuntimeException e) {
            arena.close();
            throw e;
        }
    }

    /**
     * Reads a file that is in memory already, for example a resource of the class path.
     *
     * @param bytes the whole file
     * @param where its name, for messages
     * @return the file; closing it is allowed and does nothing to {@code bytes}
     * @throws ModelException if it is not a valid safetensors file
     */
    public static Safetensors of(MemorySegment bytes, String where) {
        return new Safetensors(where, parse(bytes, where), Arena.ofShared());
    }

    /** {@return the tensors by name, in the order of the header} */
    public Map<String, Tensor> tensors() {
        return tensors;
    }

    /**
     * {@return a tensor, if the file has it}
     *
     * @param name its name
     */
    public Optional<Tensor> tensor(String name) {
        return Optional.ofNullable(tensors.get(name));
    }

    /** {@return the file or resource, for messages} */
    public String where() {
        return where;
    }

    /** Unmaps the file; its tensors may no longer be read. Closing twice does nothing. */
    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }

    private static Map<String, Tensor> parse(MemorySegment file, String where) {
        if (file.byteSize() < PREFIX_BYTES) {
            throw broken(
                    where,
                    "it has "
                            + file.byteSize()
                            + " bytes, fewer than the 8 of the"
                            + " header's length");
        }
        long headerBytes = file.get(LENGTH, 0);
        long limit = Math.min(MAX_HEADER_BYTES, file.byteSize() - PREFIX_BYTES);
        if (headerBytes < 2 || headerBytes > limit) {
            throw broken(
                    where,
                    "its header claims "
                            + Long.toUnsignedString(headerBytes)
                            + " bytes; 2 to "
                            + limit
                            + " are possible");
        }
        var header = file.asSlice(PREFIX_BYTES, headerBytes).toArray(ValueLayout.JAVA_BYTE);
        var data = file.asSlice(PREFIX_BYTES + headerBytes);
        var tensors = new LinkedHashMap<String, Tensor>();
        var extents = new ArrayList<Extent>();
        for (var entry : readJson(header, where).properties()) {
            if (!entry.getKey().equals("__metadata__")) {
                var extent = extent(entry.getKey(), entry.getValue(), data, where);
                extents.add(extent);
                tensors.put(entry.getKey(), extent.tensor());
            }
        }
        checkExtents(extents, data.byteSize(), where);
        return Collections.unmodifiableMap(tensors);
    }

    private static JsonNode readJson(byte[] header, String where) {
        try {
            var root = JSON.readTree(header);
            if (!root.isObject()) {
                throw broken(where, "its header is no JSON object");
            }
            return root;
        } catch (JsonProcessingException e) {
            throw broken(where, "its header is no valid JSON: " + e.getOriginalMessage());
        } catch (IOException e) {
            throw broken(where, "its header cannot be read: " + e);
        }
    }

    private record Extent(Tensor tensor, long begin, long end) {}

    private static Extent extent(String name, JsonNode entry, MemorySegment data, String where) {
        var type = entry.path("dtype");
        var dimensions = entry.path("shape");
        var offsets = entry.path("data_offsets");
        if (!type.isTextual()
                || !dimensions.isArray()
                || !offsets.isArray()
                || offsets.size() != 2) {
            throw broken(where, "tensor " + name + " lacks dtype, shape or two data_offsets");
        }
        var shape = new ArrayList<Long>(dimensions.size());
        for (var dimension : dimensions) {
            shape.add(whole(dimension, name, where));
        }
        long begin = whole(offsets.get(0), name, where);
        long end = whole(offsets.get(1), name, where);
        if (end < begin || end > data.byteSize()) {
            throw broken(
                    where,
                    "tensor "
                            + name
                            + " claims bytes "
                            + begin
                            + " to "
                            + end
                            + " of "
                            + data.byteSize());
        }
        var tensor =
                new Tensor(
                        name,
                        type.textValue(),
                        List.copyOf(shape),
                        data.asSlice(begin, end - begin));
        checkSize(tensor, where);
        return new Extent(tensor, begin, end);
    }

    private static long whole(JsonNode number, String name, String where) {
        if (!number.isIntegralNumber() || !number.canConvertToLong() || number.longValue() < 0) {
            throw broken(
                    where,
                    "tensor "
                            + name
                            + " has a size or offset "
                            + number
                            + " that is no whole number of 0 to 2^63 - 1");
        }
        return number.longValue();
    }

    private static void checkSize(Tensor tensor, String where) {
        var elementBytes = BYTES_OF_TYPE.get(tensor.type());
        if (elementBytes == null) {
            return; // A type that came after this code; reading such a tensor is refused.
        }
        try {
            long bytes = elementBytes;
            for (long dimension : tensor.shape()) {
                bytes = Math.multiplyExact(bytes, dimension);
            }
            if (bytes != tensor.data().byteSize()) {
                throw broken(
                        where,
                        "tensor "
                                + tensor.name()
                                + " of "
                                + tensor.describe()
                                + " needs "
                                + bytes
                                + " bytes but has "
                                + tensor.data().byteSize());
            }
        } catch (ArithmeticException e) {
            throw broken(
                    where,
                    "tensor "
                            + tensor.name()
                            + " of "
                            + tensor.describe()
                            + " is larger than any file");
        }
    }

    private static void checkExtents(List<Extent> extents, long dataBytes, String where) {
        extents.sort(Comparator.comparingLong(Extent::begin).thenComparingLong(Extent::end));
        long end = 0;
        for (var extent : extents) {
            if (extent.begin() != end) {
                throw broken(
                        where,
                        "tensor "
                                + extent.tensor().name()
                                + " begins at byte "
                                + extent.begin()
                                + (extent.begin() < end
                                        ? ", inside another tensor"
                                        : ", after a hole")
                                + " (expected "
                                + end
                                + ")");
            }
            end = extent.end();
        }
        if (end != dataBytes) {
            throw broken(where, "its tensors end at byte " + end + " of " + dataBytes);
        }
    }

    private static ModelException broken(String where, String reason) {
        return new ModelException(
                where
                        + " is not a valid safetensors file: "
                        + reason
                        + "; fetch or convert it again");
    }
}
