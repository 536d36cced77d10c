package io.kvwire.harness.model;

import io.kvwire.harness.math.ElementType;
import io.kvwire.harness.weights.ModelException;

import java.util.List;
import java.util.Objects;

/**
 * The sizes and constants of a Llama, under the meaning (not the spelling) of Hugging Face's {@code
 * config.json}. Immutable; checked when made.
 *
 * @param vocabSize number of token ids
 * @param hiddenSize width of the residual stream
 * @param intermediateSize width of the feed-forward layer
 * @param layers number of decoder layers
 * @param heads number of query heads
 * @param kvHeads number of key/value heads; divides {@code heads}
 * @param headDim elements of one head; even
 * @param maxPositions the longest sequence, in tokens
 * @param rmsNormEpsilon keeps the root of a norm away from zero
 * @param rope the rotary position embedding
 * @param tiedEmbeddings whether the embedding is the output matrix too
 * @param eosTokens token ids that end a text; may be empty
 */
public record LlamaConfig(
        int vocabSize,
        int hiddenSize,
        int intermediateSize,
        int layers,
        int heads,
        int kvHeads,
        int headDim,
        int maxPositions,
        float rmsNormEpsilon,
        Rope rope,
        boolean tiedEmbeddings,
        List<Integer> eosTokens) {

    /**
     * Checks the values.
     *
     * @throws ModelException if a size is out of range or two do not fit together
     */
    public LlamaConfig {
        Objects.requireNonNull(rope, "rope");
        eosTokens = List.copyOf(eosTokens);
        between("vocab_size", vocabSize, 2, 1 << 20);
        between("hidden_size", hiddenSize, 1, 1 << 16);
        between("intermediate_size", intermediateSize, 1, 1 << 18);
        between("num_hidden_layers", layers, 1, 1_024);
        between("num_attention_heads", heads, 1, 1_024);
        between("num_key_value_heads", kvHeads, 1, heads);
        between("head_dim", headDim, 2, 1_024);
        between("max_position_embeddings", maxPositions, 1, 1 << 24);
        require(
                heads % kvHeads == 0,
                "num_attention_heads "
                        + heads
                        + " is no multiple of num_key_value_heads "
                        + kvHeads);
        require(
                headDim % 2 == 0,
                "head_dim " + headDim + " is odd; the rotary embedding pairs two halves");
        require(
                rmsNormEpsilon > 0 && rmsNormEpsilon < 1,
                "rms_norm_eps " + rmsNormEpsilon + " is not between 0 and 1");
        for (int token : eosTokens) {
            require(
                    token >= 0 && token < vocabSize,
                    "eos_token_id " + token + " is outside the vocabulary of " + vocabSize);
        }
    }

    private static void between(String name, int value, int lowest, int highest) {
        require(
                value >= lowest && value <= highest,
                name + " is " + value + "; " + lowest + " to " + highest + " is possible");
    }

    private static void require(boolean condition, String problem) {
        if (!condition) {
            throw new ModelException("model configuration: " + problem + "; correct config.json");
        }
    }

    /** {@return a model of a few thousand weights, for tests} */
    public static LlamaConfig tiny() {
        return new LlamaConfig(
                256, 64, 96, 2, 4, 2, 16, 512, 1e-5f, Rope.plain(10_000), false, List.of());
    }

    /**
     * {@return a model whose prefill takes a while and whose cache has megabytes, for
     * demonstrations and benchmarks without a model file}
     */
    public static LlamaConfig small() {
        return new LlamaConfig(
                2_048, 512, 1_536, 8, 8, 4, 64, 2_048, 1e-5f, Rope.plain(10_000), false, List.of());
    }

    /** {@return query heads that share one key/value head} */
    public int headsPerKvHead() {
        return heads / kvHeads;
    }

    /** {@return elements of all query heads of one token} */
    public int queryDim() {
        return Math.multiplyExact(heads, headDim);
    }

    /** {@return elements of all key heads (or value heads) of one token} */
    public int kvDim() {
        return Math.multiplyExact(kvHeads, headDim);
    }

    /**
     * {@return whether a token ends the text}
     *
     * @param token a token id
     */
    public boolean isEos(int token) {
        return eosTokens.contains(token);
    }

    /** {@return the number of weights} */
    public long parameters() {
        long attention = (long) hiddenSize * (2L * queryDim() + 2L * kvDim());
        long feedForward = 3L * hiddenSize * intermediateSize;
        long perLayer = attention + feedForward + 2L * hiddenSize;
        long embeddings = (tiedEmbeddings ? 1L : 2L) * vocabSize * hiddenSize;
        return layers * perLayer + embeddings + hiddenSize;
    }

    /**
     * {@return the geometry of a cache for this model}
     *
     * @param blocks number of blocks
     * @param tokensPerBlock tokens of a block
     * @param type element type
     */
    public KvGeometry kvGeometry(int blocks, int tokensPerBlock, ElementType type) {
        return new KvGeometry(layers, blocks, tokensPerBlock, kvHeads, headDim, type);
    }
}
