package io.kvwire.harness.model;

import io.kvwire.harness.weights.Safetensors;
import io.kvwire.harness.weights.WeightFiles;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** The vectors that PyTorch made (harness/model/reference.py). */
final class Reference {
    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    final LlamaConfig config;
    final LlamaWeights weights;
    final int[] tokens;
    private final Safetensors expected;

    Reference(String name) {
        config = ConfigJson.parse(bytes(name + "/config.json"), name + "/config.json");
        var file = MemorySegment.ofArray(bytes(name + "/model.safetensors"));
        try (var source = WeightFiles.of(Safetensors.of(file, name))) {
            weights = LlamaWeights.load(config, source);
        }
        expected =
                Safetensors.of(
                        MemorySegment.ofArray(bytes(name + "/expected.safetensors")),
                        name + "/expected.safetensors");
        tokens = expected.tensor("token_ids").orElseThrow().data().toArray(INT);
    }

    float[] expected(String name) {
        var tensor = expected.tensor(name).orElseThrow();
        var values = new float[(int) (tensor.data().byteSize() / Float.BYTES)];
        tensor.read(0, values, values.length);
        return values;
    }

    static byte[] bytes(String name) {
        var path = "/io/kvwire/harness/reference/" + name;
        try (var in = Reference.class.getResourceAsStream(path)) {
            if (in == null) {
                throw new IllegalStateException(path + " is missing");
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
