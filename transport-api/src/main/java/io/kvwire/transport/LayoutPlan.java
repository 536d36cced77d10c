package io.kvwire.transport;

import java.util.ArrayList;
import java.util.List;

/**
 * Maps the blocks of a source layout onto those of a target layout: a pure function of the two.
 *
 * <p>Block size, axis order, placement of K and V and the tensor-parallel split may differ; layers,
 * KV heads, head dimension, element type and latent-or-not may not, nor may scales that both sides
 * state. The bytes on the wire are in the order in which the target stores them, so the target
 * never rearranges; a source whose layout differs gathers.
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
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    "heads "
                            + first
                            + " + "
                            + count
                            + " are not among those of "
                            + layout.describe());
        }
    }

    /**
     * Plans the copies between two layouts. A target that states no scales takes elements under any
     * and can learn the source's from its layout; one that states scales takes only elements that
     * the source states to be under the same.
     *
     * @param source where the bytes come from
     * @param target where they go
     * @return the plan for the heads that both ranks hold
     * @throws TransferException with {@link ErrorCode#INCOMPATIBLE_LAYOUT}, naming what differs and
     *     both layouts
     */
    public static LayoutPlan between(KvLayout source, KvLayout target) {
        requireMappable(source, target);
        if (target.scales().stated() && !source.scales().stated()) {
            throw incompatible(source, target, "the target has scales, the source states none");
        }
        return common(source, target);
    }

    /** The plan for the heads that both ranks of layouts hold that can be mapped. */
    private static LayoutPlan common(KvLayout source, KvLayout target) {
        int first = Math.max(source.firstHead(), target.firstHead());
        int sourceEnd = source.firstHead() + source.heads();
        int end = Math.min(sourceEnd, target.firstHead() + target.heads());
        if (first >= end) {
            throw incompatible(source, target, "the two ranks have no KV head in common");
        }
        return new LayoutPlan(source, target, first, end - first);
    }

    /**
     * Plans which ranks of a tensor-parallel source feed one rank of the target: together they hold
     * each of its heads exactly once. Where several source ranks replicate a head, the target's
     * rank picks among them, so that the replicas share the load.
     *
     * @param source the layout of any rank of the source
     * @param target the layout of the rank that receives
     * @return one plan for each source rank that sends, in order of heads; the ranks are those of
     *     {@link #source()}
     * @throws TransferException with {@link ErrorCode#INCOMPATIBLE_LAYOUT}, naming what differs and
     *     both layouts
     */
    public static List<LayoutPlan> allInto(KvLayout source, KvLayout target) {
        requireMappable(source, target);
        int replicas = Math.max(1, source.tensorParallel().size() / source.kvHeads());
        int replica = target.tensorParallel().rank() % replicas;
        int end = target.firstHead() + target.heads();
        var plans = new ArrayList<LayoutPlan>();
        for (int head = target.firstHead(); head < end; ) {
            int rank = head / source.heads() * replicas + replica;
            var plan = common(source.atRank(rank), target);
            plans.add(plan);
            head += plan.heads();
        }
        return List.copyOf(plans);
    }

    /**
     * Checks that two layouts can be mapped onto each other, whatever heads their ranks hold.
     *
     * @param source one side
     * @param target the other side
     * @throws TransferException with {@link ErrorCode#INCOMPATIBLE_LAYOUT}, naming what differs and
     *     both layouts
     */
    public static void requireMappable(KvLayout source, KvLayout target) {
        same(source, target, "layers", source.layers(), target.layers());
        same(source, target, "KV heads", source.kvHeads(), target.kvHeads());
        same(source, target, "head dimensions", source.headDim(), target.headDim());
        if (source.dtype() != target.dtype()) {
            throw incompatible(
                    source, target, "element types differ; a codec that converts is needed");
        }
        if (source.form().parts() != target.form().parts()) {
            throw incompatible(source, target, "one side is latent, the other has K and V");
        }
        var difference = KvScales.difference(source, target);
        if (difference.isPresent()) {
            throw incompatible(source, target, difference.get());
        }
    }

    private static void same(KvLayout source, KvLayout target, String what, int left, int right) {
        if (left != right) {
            throw incompatible(source, target, what + " differ: " + left + " and " + right);
        }
    }

    private static TransferException incompatible(KvLayout source, KvLayout target, String why) {
        return new TransferException(
                ErrorCode.INCOMPATIBLE_LAYOUT,
                why + "; source: " + source.describe() + "; target: " + target.describe());
    }

    /** {@return the bytes that one token takes on the wire in one layer} */
    public long tokenBytes() {
        return (long) heads * target.vectorBytes() * target.form().parts();
    }

    /**
     * {@return the bytes of so many tokens in all layers}
     *
     * @param tokens at least 0
     * @throws TransferException with {@link ErrorCode#OUT_OF_RANGE} when they are more than a
     *     {@code long} can count
     */
    public long bytes(int tokens) {
        try {
            return Math.multiplyExact(tokenBytes() * tokens, target.layers());
        } catch (ArithmeticException e) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    tokens
                            + " tokens of "
                            + tokenBytes()
                            + " bytes in "
                            + target.layers()
                            + " layers are too many bytes",
                    e);
        }
    }

    /**
     * {@return whether the K, the V or the latent of a whole source block goes on the wire as it
     * lies; else the source gathers shorter pieces}
     *
     * <p>So it is when all heads of the source rank are sent and the wire orders a block as the
     * source does. Token-major sources agree with token-major targets, whatever the sizes of their
     * blocks; head-major ones with head-major targets of the same size only, since a larger block
     * holds more tokens of a head before the next head. Where the target fuses K and V, its blocks
     * must be a multiple of the source's. What has one head (all latents, say) or one token for
     * each block counts as token-major.
     */
    public boolean sameOrder() {
        int sourceTokens = source.tokensPerBlock();
        int targetTokens = target.tokensPerBlock();
        if (heads != source.heads()
                || (target.form() == KvForm.FUSED && targetTokens % sourceTokens != 0)) {
            return false;
        }
        boolean sourceTokenMajor = tokenMajor(source);
        boolean wireTokenMajor = tokenMajor(target);
        if (sourceTokenMajor || wireTokenMajor) {
            return sourceTokenMajor && wireTokenMajor;
        }
        return sourceTokens == targetTokens;
    }

    private boolean tokenMajor(KvLayout layout) {
        return layout.order() == KvOrder.NHD || heads == 1 || layout.tokensPerBlock() == 1;
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
     * @throws TransferException with {@link ErrorCode#OUT_OF_RANGE} when a table is too short or
     *     names a block beyond its cache
     */
    public List<StridedCopy> copies(
            int[] sourceBlocks,
            int sourceCapacity,
            int[] targetBlocks,
            int targetCapacity,
            TokenRange tokens) {
        var from = new BlockRuns();
        from.start(
                this, source, sourceBlocks, BlockRuns.Origin.dense(source, sourceCapacity), tokens);
        var to = new BlockRuns();
        to.start(
                this, target, targetBlocks, BlockRuns.Origin.dense(target, targetCapacity), tokens);
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
            append(
                    copies,
                    from.offset() + from.length() - fromLeft,
                    to.offset() + to.length() - toLeft,
                    length);
            fromLeft -= length;
            toLeft -= length;
        }
    }

    /** Adds a piece to the last copy when it continues its strides, else as a copy of its own. */
    private static void append(List<StridedCopy> copies, long source, long target, long length) {
        if (copies.isEmpty() || !continues(copies.getLast(), source, target, length)) {
            copies.add(StridedCopy.contiguous(source, target, length));
            return;
        }
        var last = copies.removeLast();
        boolean second = last.count() == 1;
        copies.add(
                new StridedCopy(
                        last.sourceOffset(),
                        second ? source - last.sourceOffset() : last.sourceStride(),
                        last.targetOffset(),
                        second ? target - last.targetOffset() : last.targetStride(),
                        length,
                        last.count() + 1));
    }

    private static boolean continues(StridedCopy last, long source, long target, long length) {
        long sourceStep = source - last.sourceOffset();
        long targetStep = target - last.targetOffset();
        if (last.length() != length) {
            return false;
        }
        if (last.count() == 1) {
            return sourceStep > 0 && targetStep > 0;
        }
        return sourceStep == last.sourceStride() * last.count()
                && targetStep == last.targetStride() * last.count();
    }
}
