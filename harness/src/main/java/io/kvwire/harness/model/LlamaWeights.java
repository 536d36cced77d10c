package io.kvwire.harness.model;

import io.kvwire.harness.math.PackedMatrix;
import io.kvwire.harness.weights.Weights;

import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * The weights of a Llama in memory, as FP32, packed for the kernels. Matrices that take the same
 * input are joined: query, key and value; gate and up. Immutable; share one between all models of a
 * process that run the same weights.
 */
public final class LlamaWeights {
    private final PackedMatrix embedding;
    private final List<Layer> layers;
    private final float[] finalNorm;
    private final Optional<PackedMatrix> ownHead;

    private LlamaWeights(
            PackedMatrix embedding,
            List<Layer> layers,
            float[] finalNorm,
            Optional<PackedMatrix> ownHead) {
        this.embedding = embedding;
        this.layers = layers;
        this.finalNorm = finalNorm;
        this.ownHead = ownHead;
    }

    /**
     * One decoder layer.
     *
     * @param attentionNorm weights of the norm before attention
     * @param queryKeyValue rows of the query heads, then the key heads, then the value heads
     * @param output from the heads back to the hidden size
     * @param feedForwardNorm weights of the norm before the feed-forward layer
     * @param gateUp rows of the gate, then of the up projection
     * @param down from the intermediate size back to the hidden size
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    public record Layer(
            float[] attentionNorm,
            PackedMatrix queryKeyValue,
            PackedMatrix output,
            float[] feedForwardNorm,
            PackedMatrix gateUp,
            PackedMatrix down) {}

    /**
     * Reads and packs all weights of a model.
     *
     * @param config the model's sizes
     * @param source where the weights are; stays open
     * @return the weights
     * @throws io.kvwire.harness.weights.ModelException if a tensor is missing or has another shape
     */
    public static LlamaWeights load(LlamaConfig config, Weights source) {
        int hidden = config.hiddenSize();
        int vocab = config.vocabSize();
        var embedding = join(hidden, part(source, "model.embed_tokens", vocab, hidden));
        var layers =
                IntStream.range(0, config.layers())
                        .mapToObj(layer -> layer(config, source, "model.layers." + layer + "."))
                        .toList();
        Optional<PackedMatrix> head =
                config.tiedEmbeddings()
                        ? Optional.empty()
                        : Optional.of(join(hidden, part(source, "lm_head", vocab, hidden)));
        return new LlamaWeights(
                embedding, layers, source.vector("model.norm.weight", hidden), head);
    }

    private static Layer layer(LlamaConfig config, Weights source, String at) {
        int hidden = config.hiddenSize();
        int inner = config.intermediateSize();
        int queries = config.queryDim();
        int keys = config.kvDim();
        return new Layer(
                source.vector(at + "input_layernorm.weight", hidden),
                join(
                        hidden,
                        part(source, at + "self_attn.q_proj", queries, hidden),
                        part(source, at + "self_attn.k_proj", keys, hidden),
                        part(source, at + "self_attn.v_proj", keys, hidden)),
                join(queries, part(source, at + "self_attn.o_proj", hidden, queries)),
                source.vector(at + "post_attention_layernorm.weight", hidden),
                join(
                        hidden,
                        part(source, at + "mlp.gate_proj", inner, hidden),
                        part(source, at + "mlp.up_proj", inner, hidden)),
                join(inner, part(source, at + "mlp.down_proj", hidden, inner)));
    }

    private record Part(Weights.Matrix matrix, int rows) {}

    private static Part part(Weights source, String name, int rows, int columns) {
        return new Part(source.matrix(name + ".weight", rows, columns), rows);
    }

    /** Stacks matrices of the same input on top of each other. */
    private static PackedMatrix join(int columns, Part... parts) {
        int rows = 0;
        for (var part : parts) {
            rows = Math.addExact(rows, part.rows());
        }
        return PackedMatrix.pack(
                rows,
                columns,
                (row, target) -> {
                    int within = row;
                    int i = 0;
                    while (within >= parts[i].rows()) {
                        within -= parts[i++].rows();
                    }
                    parts[i].matrix().read(within, target);
                });
    }

    /** {@return a row for each token id} */
    public PackedMatrix embedding() {
        return embedding;
    }

    /** {@return the output matrix, which may be the embedding} */
    public PackedMatrix head() {
        return ownHead.orElse(embedding);
    }

    /** {@return weights of the norm before the output matrix; not to be changed} */
    public float[] finalNorm() {
        return finalNorm;
    }

    /**
     * {@return the weights of a layer; not to be changed}
     *
     * @param layer from 0
     */
    public Layer layer(int layer) {
        return layers.get(layer);
    }
}
