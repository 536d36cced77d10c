package io.kvwire.harness.xpu;

import io.kvwire.harness.math.PackedMatrix;
import io.kvwire.harness.model.LlamaConfig;
import io.kvwire.harness.model.LlamaWeights;

import java.util.ArrayList;
import java.util.List;

/** The weights of a model in memory of the device, which it owns. */
final class XpuWeights implements AutoCloseable {
    private final Engine engine;
    private final List<Engine.Memory> owned = new ArrayList<>();
    private final Matrix embedding;
    private final Matrix head;
    private final Engine.Memory finalNorm;
    private final List<Layer> layers = new ArrayList<>();

    /** As {@link LlamaWeights.Layer}, on the device. */
    record Layer(
            Engine.Memory attentionNorm,
            Matrix queryKeyValue,
            Matrix output,
            Engine.Memory feedForwardNorm,
            Matrix gateUp,
            Matrix down) {}

    XpuWeights(Engine engine, LlamaConfig config, LlamaWeights weights) {
        this.engine = engine;
        try {
            embedding = matrix(weights.embedding());
            head = config.tiedEmbeddings() ? embedding : matrix(weights.head());
            finalNorm = vector(weights.finalNorm());
            for (int n = 0; n < config.layers(); n++) {
                var layer = weights.layer(n);
                layers.add(
                        new Layer(
                                vector(layer.attentionNorm()),
                                matrix(layer.queryKeyValue()),
                                matrix(layer.output()),
                                vector(layer.feedForwardNorm()),
                                matrix(layer.gateUp()),
                                matrix(layer.down())));
            }
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    private Matrix matrix(PackedMatrix packed) {
        var matrix = Matrix.upload(engine, packed);
        owned.add(matrix.memory());
        return matrix;
    }

    private Engine.Memory vector(float... values) {
        var memory = Matrix.upload(engine, values);
        owned.add(memory);
        return memory;
    }

    Matrix embedding() {
        return embedding;
    }

    Matrix head() {
        return head;
    }

    Engine.Memory finalNorm() {
        return finalNorm;
    }

    Layer layer(int layer) {
        return layers.get(layer);
    }

    @Override
    public void close() {
        owned.forEach(Engine.Memory::close);
        owned.clear();
    }
}
