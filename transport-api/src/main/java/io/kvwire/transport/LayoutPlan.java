package io.kvwire.transport;

import java.util.ArrayList;
import java.util.List;

/**
 * Maps the blocks of a source layout onto those of a target layout: a pure function of the two.
 *
 * <p>Block size, axis order, placement of K and V and the tensor-parallel split may differ; layers,
 * KV heads, head dimension, element type and latent-or-not may not. The bytes on the wire are in
 * the order in which the target stores them, so the target never rearranges; a source whose
 * layout differs gathers.
 *
 * <p>Immutable and thread-safe.
 *
 * @param source where the bytes come from
 * @param target where they go
 * @param firstHead first of the model's KV heads that both ranks hold
 * @param heads how many of them both hold
 */
public record LayoutPlan(KvLayout source, KvLayout target, int firstHead, int heads) {
    /** Checks that both sides hold the heads. */
    public LayoutPlan {
        holds(source, firstHead, heads);
        holds(target, firstHead, heads);
    }

    private static void holds(KvLayout layout, int first, int count) {
        if (count < 1
                || first < layout.firstHead()
                || first > layout.firstHead() + layout.heads() - count) {
            throw new TransferException(ErrorCode.OUT_OF_RANGE, "heads " + first + " + " + count
                    + " are not among those of " + layout.describe());
        }
    }

    /**
     * Plans the copies between two layouts.
     *
     * @param source where the bytes come from
     * @param target where they go
     * @return the plan for the heads that both ranks hold
     * @throws TransferException with {@link ErrorCode#INCOMPATIBLE_LAYOUT}, naming what differs and
     *     both layouts
     */
    public static LayoutPlan between(KvLayout source, KvLayout target) {
        same(source, target, "layers", source.layers(), target.layers());
        same(source, target, "KV heads", source.kvHeads(), target.kvHeads());
        same(source, target, "head dimensions", source.headDim(), target.headDim());
        if (source.dtype() != target.dtype()) {
            throw incompatible(source, target, "element types differ; a codec that converts is needed");
        }
        if (source.form().parts() != target.form().parts()) {
            throw incompatible(source, target, "one side is latent, the other has K and V");
        }
        int first = Math.max(source.firstHead(), target.firstHead());
        int end = Math.min(source.firstHead() + source.heads(), target.firstHead() + target.heads());
        if (first >= end) {
            throw incompatible(source, target, "the two ranks have no KV head in common");
        }
        return new LayoutPlan(source, target, first, end - first);
    }

    private static void same(KvLayout source, KvLayout target, String what, int left, int right) {
        if (left != right) {
            throw incompatible(source, target, what + " differ: " + left + " and " + right);
        }
    }

    private static TransferException incompatible(KvLayout source, KvLayout target, String why) {
        return new TransferException(ErrorCode.INCOMPATIBLE_LAYOUT, why + "; source: "
                + source.describe() + "; target: " + target.describe());
    }

    /** {@return the bytes that one token takes on the wire in one layer} */
    public long tokenBytes() {
        return (long) heads * target.vectorBytes() * target.form().parts();
    }

    /**
     * {@return the bytes of so many tokens in all layers}
     *
     * @param tokens at least 0
     */
    public long bytes(int tokens) {
        return tokenBytes() * tokens * target.layers();
    }

    /**
     * {@return whether the source's blocks can be sent as they lie: both sides order a block the same
     * way, so no piece is shorter than a head's tokens in a block}
     */
    public boolean sameOrder() {
        return source.order() == target.order()
                && source.form() == target.form()
                && source.heads() == target.heads()
                && (source.order() == KvOrder.NHD
                        || source.tokensPerBlock() == target.tokensPerBlock());
    }

    /**
     * Lists the copies for one layer between two dense caches, as offsets from the start of the
     * layer's memory ({@link LayerPlacement#dense}).
     *
     * @param sourceBlocks block indexes at the source, in order of tokens
     * @param sourceCapacity number of blocks of the source cache
     * @param targetBlocks block indexes at the target, in order of tokens
     * @param targetCapacity number of blocks of the target cache
     * @param tokens the range of tokens
     * @return strided copies, neighbours merged, in the order of the bytes on the wire
     * @throws TransferException with {@link ErrorCode#OUT_OF_RANGE} when a table is too short or names
     *     a block beyond its cache
     */
    public List<StridedCopy> copies(
            int[] sourceBlocks,
            int sourceCapacity,
            int[] targetBlocks,
            int targetCapacity,
            TokenRange tokens) {
        var from = new BlockRuns();
        from.start(this, source, sourceBlocks, BlockRuns.Origin.dense(source, sourceCapacity), tokens);
        var to = new BlockRuns();
        to.start(this, target, targetBlocks, BlockRuns.Origin.dense(target, targetCapacity), tokens);
        return zip(from, to);
    }

    private static List<StridedCopy> zip(BlockRuns from, BlockRuns to) {
        var copies = new ArrayList<StridedCopy>();
        long fromLeft = 0;
        long toLeft = 0;
        while (true) {
            if (fromLeft == 0) {
                fromLeft = from.next() ? from.length() : 0;
            }
            if (toLeft == 0) {
                toLeft = to.next() ? to.length() : 0;
            }
            long length = Math.min(fromLeft, toLeft);
            if (length == 0) {
                return List.copyOf(copies);
            }
            append(copies, from.offset() + from.length() - fromLeft, to.offset() + to.length() - toLeft, length);
            fromLeft -= length;
            toLeft -= length;
        }
    }

    /** Adds a piece to the last copy when it continues its strides, else as a copy of its own. */
    private static void append(List<StridedCopy> copies, long source, long target, long length) {
        if (!copies.isEmpty()) {
            var last = copies.getLast();
            if (last.length() == length) {
                long sourceStride = source - last.sourceOffset();
                long targetStride = target - last.targetOffset();
                int count = last.count();
                boolean second = count == 1 && sourceStride > 0 && targetStride > 0;
                if (second
                        || sourceStride == last.sourceStride() * count
                                && targetStride == last.targetStride() * count) {
                    copies.set(copies.size() - 1, new StridedCopy(last.sourceOffset(),
                            second ? sourceStride : last.sourceStride(), last.targetOffset(),
                            second ? targetStride : last.targetStride(), length, count + 1));
                    return;
                }
            }
        }
        copies.add(StridedCopy.contiguous(source, target, length));
    }
}
