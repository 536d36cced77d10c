package io.kvwire.harness.model;

import io.kvwire.harness.weights.ModelException;

import java.util.Arrays;
import java.util.Objects;
import java.util.function.IntConsumer;

/**
 * Continues a sequence greedily, until a token ends the text or enough are made. Confined to the
 * thread of its {@link LlamaRunner}.
 *
 * <pre>{@code
 * int first = Llama.greedy(llama.prefill(prompt, 0, blockTable, cache, LayerListener.NONE));
 * int[] continuation = new GreedyDecoding(llama, blockTable, cache)
 *         .run(first, prompt.length, 64, token -> print(token));
 * }</pre>
 */
public final class GreedyDecoding {
    private final LlamaRunner llama;
    private final int[] blockTable;
    private final PagedKv cache;

    /**
     * Prepares to continue a sequence.
     *
     * @param llama runs the model
     * @param blockTable the sequence's blocks, with room for the continuation
     * @param cache holds the keys and values of all tokens so far
     */
    public GreedyDecoding(LlamaRunner llama, int[] blockTable, PagedKv cache) {
        this.llama = Objects.requireNonNull(llama, "llama");
        this.blockTable = blockTable.clone();
        this.cache = Objects.requireNonNull(cache, "cache");
    }

    /**
     * Makes tokens.
     *
     * @param firstToken the first token of the continuation, from the prefill's logits; its keys
     *     and values are not in the cache yet
     * @param position its position: the number of tokens in the cache
     * @param maxTokens the most tokens to make, {@code firstToken} included, at least 1
     * @param onToken learns of each token as soon as it is known, {@code firstToken} included
     * @return the tokens, {@code firstToken} included; the last one ends the text if there are
     *     fewer than {@code maxTokens}
     * @throws ModelException if the continuation does not fit into the model's positions or the
     *     block table; nothing has been made then
     */
    public int[] run(int firstToken, int position, int maxTokens, IntConsumer onToken) {
        checkRoom(position, maxTokens);
        var tokens = new int[maxTokens];
        int made = 0;
        int token = firstToken;
        while (true) {
            tokens[made++] = token;
            onToken.accept(token);
            if (made == maxTokens || llama.config().isEos(token)) {
                return Arrays.copyOf(tokens, made);
            }
            int[] one = {token};
            token = llama.next(one, position + made - 1, blockTable, cache, LayerListener.NONE);
        }
    }

    private void checkRoom(int position, int maxTokens) {
        if (maxTokens < 1) {
            throw new ModelException(maxTokens + " tokens to generate; at least 1 is needed");
        }
        // The last token is returned but not run, so it needs no room.
        long end = (long) position + maxTokens - 1;
        long room =
                Math.min(
                        llama.config().maxPositions(),
                        (long) blockTable.length * cache.geometry().tokensPerBlock());
        if (end > room) {
            throw new ModelException(
                    position
                            + " tokens and "
                            + maxTokens
                            + " more do not fit into "
                            + room
                            + " positions (the model has "
                            + llama.config().maxPositions()
                            + ", the block table the rest); shorten the prompt or generate fewer"
                            + " tokens");
        }
    }
}
