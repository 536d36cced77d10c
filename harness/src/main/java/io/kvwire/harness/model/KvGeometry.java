package io.kvwire.harness.model;

import io.kvwire.harness.math.ElementType;

import java.util.Objects;

/**
 * The sizes of a paged KV cache, without its arrangement in memory (that is {@link KvStrides}).
 *
 * @param layers number of layers
 * @param blocks number of blocks, in each layer
 * @param tokensPerBlock tokens of one block
 * @param kvHeads key/value heads
 * @param headDim elements of one head
 * @param type element type
 */
public record KvGeometry(
        int layers, int blocks, int tokensPerBlock, int kvHeads, int headDim, ElementType type) {

    /**
     * Checks the sizes.
     *
     * @throws IllegalArgumentException if one is below 1, or a layer exceeds 2^62 bytes
     */
    public KvGeometry {
        Objects.requireNonNull(type, "type");
        positive("layers", layers);
        positive("blocks", blocks);
        positive("tokensPerBlock", tokensPerBlock);
        positive("kvHeads", kvHeads);
        positive("headDim", headDim);
        try {
            long tokens = (long) blocks * tokensPerBlock;
            long bytes = Math.multiplyExact(tokens, 2L * kvHeads * headDim);
            Math.multiplyExact(bytes, 2L * type.bytes());
        } catch (ArithmeticException e) {
            throw new IllegalArgumentException(
                    "a KV cache of "
                            + blocks
                            + " blocks of "
                            + tokensPerBlock
                            + " tokens with "
                            + kvHeads
                            + " heads of "
                            + headDim
                            + " elements does not fit into memory; take fewer blocks",
                    e);
        }
    }

    private static void positive(String name, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " is " + value + "; at least 1 is needed");
        }
    }

    /** {@return bytes of the keys (or the values) of one block} */
    public long halfBlockBytes() {
        return (long) tokensPerBlock * kvHeads * headDim * type.bytes();
    }

    /** {@return bytes of keys and values of all blocks of one layer} */
    public long layerBytes() {
        return 2L * blocks * halfBlockBytes();
    }

    /** {@return bytes of keys and values of one token over all layers} */
    public long bytesPerToken() {
        return 2L * layers * kvHeads * headDim * type.bytes();
    }

    /**
     * {@return the blocks that a number of tokens needs}
     *
     * @param tokens the tokens
     */
    public int blocksFor(int tokens) {
        return Math.ceilDiv(tokens, tokensPerBlock);
    }
}
