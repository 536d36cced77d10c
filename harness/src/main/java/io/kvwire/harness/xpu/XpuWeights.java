package io.kvwire.harness.xpu;

import io.kvwire.ffi.opencl.Buffer;
import io.kvwire.ffi.opencl.CommandQueue;
import io.kvwire.ffi.opencl.Context;
import io.kvwire.harness.math.PackedMatrix;
import io.kvwire.harness.model.LlamaConfig;
import io.kvwire.harness.model.LlamaWeights;

import java.util.ArrayList;
import java.util.List;

/** The weights of a model in memory of the device, which it owns. */
final class XpuWeights implements AutoCloseable {
    private final Context context;
    private final CommandQueue queue;
    private final List<Buffer> owned = new ArrayList<>();
    private final Matrix embedding;
    private final Matrix head;
    private final Buffer finalNorm;
    private final List<Layer> layers = new ArrayList<>();

    /** As {@link LlamaWeights.Layer}, on the device. */
    record Layer(
            Buffer attentionNorm,
            Matrix queryKeyValue,
            Matrix output,
            Buffer feedForwardNorm,
            Matrix gateUp,
            Matrix down) {}

    XpuWeights(Context context, CommandQueue queue, LlamaConfig config, LlamaWeights weights) {
        this.context = context;
        this.queue = queue;
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
        var matrix = Matrix.upload(context, queue, packed);
        owned.add(matrix.buffer());
        return matrix;
    }

    private Buffer vector(float... values) {
        var buffer = Matrix.upload(context, queue, values);
        owned.add(buffer);
        return buffer;
    }

    Matrix embedding() {
        return embedding;
    }

    Matrix head() {
        return head;
    }

    Buffer finalNorm() {
        return finalNorm;
    }

    Layer layer(int layer) {
        return layers.get(layer);
    }

    @Override
    public void close() {
        owned.forEach(Buffer::close);
        owned.clear();
    }
}
