package io.kvwire.transport;

import java.util.Objects;

/**
 * The shape of one rank's paged KV cache. Where the cache lies in memory is {@link KvCache}'s
 * business; a layout alone decides how a block looks inside.
 *
 * <p>Immutable. Two layouts need not be equal to exchange blocks: see {@link LayoutPlan}.
 *
 * {@snippet :
 * var layout = KvLayout.builder().layers(32).kvHeads(8).headDim(128).tokensPerBlock(16)
 *         .dtype(DType.BF16).order(KvOrder.NHD).form(KvForm.SPLIT).build();
 * }
 *
 * @param layers number of transformer layers, at least 1
 * @param kvHeads KV heads of the whole model, over all ranks; 1 for {@link KvForm#LATENT}
 * @param headDim elements per head; the width of the latent for {@link KvForm#LATENT}
 * @param tokensPerBlock tokens in one block
 * @param dtype element type
 * @param order axis order inside a block
 * @param form how K and V lie relative to each other
 * @param tensorParallel the rank that this cache belongs to
 * @param scales what FP8 and INT8 elements are to be multiplied with, if that is one number for
 *     each layer or head
 */
public record KvLayout(
        int layers,
        int kvHeads,
        int headDim,
        int tokensPerBlock,
        DType dtype,
        KvOrder order,
        KvForm form,
        TensorParallel tensorParallel,
        KvScales scales) {

    /** Upper bound on each count of a layout, so that no product of them overflows. */
    public static final int MAX_EXTENT = 1 << 20;

    /** Largest size of one block of one layer, K and V together: 1 GiB. */
    public static final long MAX_BLOCK_BYTES = 1L << 30;

    /** Checks every extent, the head split, the size of a block and the number of scales. */
    public KvLayout {
        extent("layers", layers);
        extent("kvHeads", kvHeads);
        extent("headDim", headDim);
        extent("tokensPerBlock", tokensPerBlock);
        Objects.requireNonNull(dtype, "dtype");
        Objects.requireNonNull(order, "order");
        Objects.requireNonNull(form, "form");
        Objects.requireNonNull(tensorParallel, "tensorParallel");
        Objects.requireNonNull(scales, "scales");
        if (form == KvForm.LATENT && kvHeads != 1) {
            throw new IllegalArgumentException(
                    "a latent layout has kvHeads 1, not " + kvHeads + ": the latent is shared");
        }
        int size = tensorParallel.size();
        if (kvHeads % size != 0 && size % kvHeads != 0) {
            throw new IllegalArgumentException(
                    kvHeads
                            + " KV heads do not split over "
                            + size
                            + " tensor-parallel ranks: one must divide the other");
        }
        long headBytes = (long) headDim * dtype.bytes() * tokensPerBlock;
        long heads = Math.max(1, kvHeads / size);
        if (headBytes > MAX_BLOCK_BYTES || headBytes * heads > MAX_BLOCK_BYTES / form.parts()) {
            throw new IllegalArgumentException(
                    "a block of this layout is larger than "
                            + MAX_BLOCK_BYTES
                            + " bytes: lower tokensPerBlock");
        }
        scales.requireFit(layers, Math.max(1, kvHeads / size), dtype, form);
    }

    private static void extent(String name, int value) {
        if (value < 1 || value > MAX_EXTENT) {
            throw new IllegalArgumentException(name + " is " + value + ": need 1 to " + MAX_EXTENT);
        }
    }

    /**
     * {@return a builder with BF16, NHD, split K and V, 16 tokens per block and no split of heads}
     */
    public static Builder builder() {
        return new Builder();
    }

    /** {@return the first of the model's KV heads that this rank holds} */
    public int firstHead() {
        int size = tensorParallel.size();
        int rank = tensorParallel.rank();
        return size <= kvHeads ? rank * (kvHeads / size) : rank / (size / kvHeads);
    }

    /**
     * {@return the number of KV heads that this rank holds; ranks beyond the heads replicate one}
     */
    public int heads() {
        return Math.max(1, kvHeads / tensorParallel.size());
    }

    /**
     * {@return the layout of another rank of the same tensor-parallel group; scales for each head
     * are not known there}
     *
     * @param rank from 0 to {@code tensorParallel().size() - 1}
     */
    public KvLayout atRank(int rank) {
        return new KvLayout(
                layers,
                kvHeads,
                headDim,
                tokensPerBlock,
                dtype,
                order,
                form,
                new TensorParallel(rank, tensorParallel.size()),
                rank == tensorParallel.rank() ? scales : scales.elsewhere());
    }

    /**
     * {@return this layout with scales, those of a peer say}
     *
     * @param others {@link KvScales#NONE} for none
     * @throws IllegalArgumentException when they are not those of a cache of this shape
     */
    public KvLayout withScales(KvScales others) {
        return new KvLayout(
                layers,
                kvHeads,
                headDim,
                tokensPerBlock,
                dtype,
                order,
                form,
                tensorParallel,
                others);
    }

    /** {@return the bytes of one head's vector of one token} */
    public int vectorBytes() {
        return headDim * dtype.bytes();
    }

    /** {@return the bytes of one block's K (or V, or latent) of one layer} */
    public long partBytes() {
        return (long) tokensPerBlock * heads() * vectorBytes();
    }

    /** {@return the bytes of one block of one layer, K and V together} */
    public long blockBytes() {
        return partBytes() * form.parts();
    }

    /** {@return the bytes that one token takes in one layer, K and V together} */
    public long tokenBytes() {
        return (long) heads() * vectorBytes() * form.parts();
    }

    /** {@return the distance in bytes between neighbouring tokens of one head inside a part} */
    public long tokenStride() {
        return order == KvOrder.NHD ? (long) heads() * vectorBytes() : vectorBytes();
    }

    /** {@return the distance in bytes between neighbouring heads of one token inside a part} */
    public long headStride() {
        return order == KvOrder.NHD ? vectorBytes() : (long) tokensPerBlock * vectorBytes();
    }

    /**
     * {@return the number of blocks that hold so many tokens, the last one perhaps in part}
     *
     * @param tokens a number of tokens, at least 0
     */
    public int blocksFor(int tokens) {
        return Math.ceilDiv(tokens, tokensPerBlock);
    }

    /**
     * {@return this layout in one line, for people: {@code 32 layers, 8 KV heads, head dim 128,
     * BF16 NHD SPLIT, 16 tokens/block, TP rank 0 of 1}; scales are mentioned where there are any}
     */
    public String describe() {
        return layers
                + " layers, "
                + kvHeads
                + " KV heads, head dim "
                + headDim
                + ", "
                + dtype
                + " "
                + order
                + " "
                + form
                + ", "
                + tokensPerBlock
                + " tokens/block, TP rank "
                + tensorParallel.rank()
                + " of "
                + tensorParallel.size()
                + (scales.stated() ? ", " + scales : "");
    }

    /** Builds a {@link KvLayout}; not thread-safe. */
    public static final class Builder {
        private int layers = 1;
        private int kvHeads = 1;
        private int headDim = 128;
        private int tokensPerBlock = 16;
        private DType dtype = DType.BF16;
        private KvOrder order = KvOrder.NHD;
        private KvForm form = KvForm.SPLIT;
        private TensorParallel tensorParallel = TensorParallel.NONE;
        private KvScales scales = KvScales.NONE;

        private Builder() {}

        /**
         * Sets the number of layers.
         *
         * @param count at least 1
         * @return this
         */
        public Builder layers(int count) {
            layers = count;
            return this;
        }

        /**
         * Sets the KV heads of the whole model.
         *
         * @param count at least 1
         * @return this
         */
        public Builder kvHeads(int count) {
            kvHeads = count;
            return this;
        }

        /**
         * Sets the elements per head.
         *
         * @param elements at least 1
         * @return this
         */
        public Builder headDim(int elements) {
            headDim = elements;
            return this;
        }

        /**
         * Sets the tokens of one block.
         *
         * @param tokens at least 1
         * @return this
         */
        public Builder tokensPerBlock(int tokens) {
            tokensPerBlock = tokens;
            return this;
        }

        /**
         * Sets the element type.
         *
         * @param type an element type
         * @return this
         */
        public Builder dtype(DType type) {
            dtype = type;
            return this;
        }

        /**
         * Sets the axis order inside a block.
         *
         * @param axes an order
         * @return this
         */
        public Builder order(KvOrder axes) {
            order = axes;
            return this;
        }

        /**
         * Sets how K and V lie.
         *
         * @param placement a form
         * @return this
         */
        public Builder form(KvForm placement) {
            form = placement;
            return this;
        }

        /**
         * Sets the tensor-parallel place.
         *
         * @param rank from 0
         * @param size ranks in all
         * @return this
         */
        public Builder tensorParallel(int rank, int size) {
            tensorParallel = new TensorParallel(rank, size);
            return this;
        }

        /**
         * Sets the scales of FP8 or INT8 elements.
         *
         * @param numbers for each layer, or for each KV head that the rank holds
         * @return this
         */
        public Builder scales(KvScales numbers) {
            scales = numbers;
            return this;
        }

        /**
         * {@return the layout}
         *
         * @throws IllegalArgumentException when a value is out of range or does not fit the others
         */
        public KvLayout build() {
            return new KvLayout(
                    layers,
                    kvHeads,
                    headDim,
                    tokensPerBlock,
                    dtype,
                    order,
                    form,
                    tensorParallel,
                    scales);
        }
    }
}
