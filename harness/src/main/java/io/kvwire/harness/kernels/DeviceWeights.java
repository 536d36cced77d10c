package io.kvwire.harness.kernels;

import io.kvwire.harness.math.PackedMatrix;
import io.kvwire.harness.model.LlamaConfig;
import io.kvwire.harness.model.LlamaWeights;

import java.util.ArrayList;
import java.util.List;

/** The weights of a model in memory of the device, which it owns. */
final class DeviceWeights<B> implements AutoCloseable {
    private final KernelQueue<B> queue;
    private final List<B> owned = new ArrayList<>();
    private final Matrix<B> embedding;
    private final Matrix<B> head;
    private final B finalNorm;
    private final List<Layer<B>> layers = new ArrayList<>();

    /** As {@link LlamaWeights.Layer}, on the device. */
    record Layer<B>(
            B attentionNorm,
            Matrix<B> queryKeyValue,
            Matrix<B> output,
            B feedForwardNorm,
            Matrix<B> gateUp,
            Matrix<B> down) {}

    DeviceWeights(KernelQueue<B> queue, LlamaConfig config, LlamaWeights weights) {
        this.queue = queue;
        try {
            embedding = matrix(weights.embedding());
            head = config.tiedEmbeddings() ? embedding : matrix(weights.head());
            finalNorm = vector(weights.finalNorm());
            for (int n = 0; n < config.layers(); n++) {
                var layer = weights.layer(n);
                layers.add(
                        new Layer<>(
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

    private Matrix<B> matrix(PackedMatrix packed) {
        var matrix = Matrix.upload(queue, packed);
        owned.add(matrix.buffer());
        return matrix;
    }

    private B vector(float... values) {
        var buffer = Matrix.upload(queue, values);
        owned.add(buffer);
        return buffer;
    }

    Matrix<B> embedding() {
        return embedding;
    }

    Matrix<B> head() {
        return head;
    }

    B finalNorm() {
        return finalNorm;
    }

    Layer<B> layer(int layer) {
        return layers.get(layer);
    }

    @Override
    public void close() {
        owned.forEach(queue::free);
        owned.clear();
    }
}
