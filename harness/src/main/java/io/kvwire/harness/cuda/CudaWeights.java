package io.kvwire.harness.cuda;

import io.kvwire.ffi.cuda.DeviceBuffer;
import io.kvwire.ffi.cuda.Stream;
import io.kvwire.harness.math.PackedMatrix;
import io.kvwire.harness.model.LlamaConfig;
import io.kvwire.harness.model.LlamaWeights;

import java.util.ArrayList;
import java.util.List;

/** The weights of a model in memory of the device, which it owns. */
final class CudaWeights implements AutoCloseable {
    private final Stream stream;
    private final List<DeviceBuffer> owned = new ArrayList<>();
    private final Matrix embedding;
    private final Matrix head;
    private final DeviceBuffer finalNorm;
    private final List<Layer> layers = new ArrayList<>();

    /** As {@link LlamaWeights.Layer}, on the device. */
    record Layer(
            DeviceBuffer attentionNorm,
            Matrix queryKeyValue,
            Matrix output,
            DeviceBuffer feedForwardNorm,
            Matrix gateUp,
            Matrix down) {}

    CudaWeights(Stream stream, LlamaConfig config, LlamaWeights weights) {
        this.stream = stream;
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
        var matrix = Matrix.upload(stream, packed);
        owned.add(matrix.buffer());
        return matrix;
    }

    private DeviceBuffer vector(float... values) {
        var buffer = Matrix.upload(stream, values);
        owned.add(buffer);
        return buffer;
    }

    Matrix embedding() {
        return embedding;
    }

    Matrix head() {
        return head;
    }

    DeviceBuffer finalNorm() {
        return finalNorm;
    }

    Layer layer(int layer) {
        return layers.get(layer);
    }

    @Override
    public void close() {
        owned.forEach(DeviceBuffer::close);
        owned.clear();
    }
}
