package io.kvwire.transport;

import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.MemorySegment;

/**
 * Walks the contiguous runs of one side of a {@link LayoutPlan} for one layer, in wire order, which
 * is the order in which the target stores them:
 *
 * <pre>
 * SPLIT target: for part (K, V), for target block     FUSED target: for target block, for part
 *   NHD target: for token, for head                     HND target: for head, for token
 * </pre>
 *
 * Adjacent pieces are merged. Reusable and allocation-free after construction; not thread-safe.
 */
public final class BlockRuns implements RunCursor {
    /**
     * Where a layer's parts lie.
     *
     * @param key memory of K, or of the latent
     * @param keyOffset of block 0's K
     * @param value memory of V
     * @param valueOffset of block 0's V
     * @param stride between blocks
     * @param blocks in the cache
     */
    public record Origin(
            MemorySegment key,
            long keyOffset,
            MemorySegment value,
            long valueOffset,
            long stride,
            int blocks) {

        /**
         * {@return the origin of a placed layer}
         *
         * @param layer where the layer lies
         * @param blocks in the cache
         */
        public static Origin of(LayerPlacement layer, int blocks) {
            return new Origin(
                    layer.key(),
                    layer.keyOffset(),
                    layer.value(),
                    layer.valueOffset(),
                    layer.blockStride(),
                    blocks);
        }

        static Origin dense(KvLayout layout, int blocks) {
            return of(LayerPlacement.dense(layout, MemorySegment.NULL, blocks), blocks);
        }
    }

    private KvLayout target;
    private int[] blocks;
    private Origin origin;
    private int firstHead;
    private int heads;
    private int firstToken;
    private int endToken;
    private int groupTokens;
    private int bodyTokens;

    /** The exponent where the tokens of a block of this side are a power of two, else -1. */
    private int bodyShift;

    private int parts;
    private long vectorBytes;
    private long tokenStride;
    private long headStride;

    // How the loops nest, and how far a piece reaches before memory and loops part ways.
    private boolean partsOutermost;
    private boolean headsOuter;
    private int pieceHeads;
    private boolean tokensAdjoin;

    // The piece that comes next: a part of the tokens [groupStart, groupEnd) of one target block,
    // and in it the head and the token that the inner loops have reached.
    private int part;
    private int groupStart;
    private int groupEnd;
    private int head;
    private int token;
    private boolean exhausted;
    private int walked;

    private MemorySegment nextSegment = MemorySegment.NULL;
    private long nextOffset;
    private long nextLength;
    private MemorySegment segment = MemorySegment.NULL;
    private long offset;
    private long length;

    /** Makes a cursor without runs; {@link #start} gives it some. */
    public BlockRuns() {
        exhausted = true;
    }

    /**
     * Begins a walk.
     *
     * @param plan the two layouts and their common heads
     * @param side one of the plan's layouts: whose memory to walk
     * @param table that side's blocks, in order of tokens
     * @param layer where that side's layer lies
     * @param tokens the tokens to walk
     * @throws IllegalArgumentException when the side is not one of the plan's
     * @throws TransferException with {@link ErrorCode#OUT_OF_RANGE} when the table is too short or
     *     names a block that the cache does not have; the cursor has no runs then
     */
    public void start(
            LayoutPlan plan, KvLayout side, BlockTable table, Origin layer, TokenRange tokens) {
        start(plan, side, table.uncopiedIds(), layer, tokens);
    }

    /**
     * Begins a walk over blocks that are not in a table.
     *
     * @param plan the two layouts and their common heads
     * @param side one of the plan's layouts: whose memory to walk
     * @param table block indexes of that side, in order of tokens; not copied
     * @param layer where that side's layer lies
     * @param tokens the tokens to walk
     * @throws IllegalArgumentException when the side is not one of the plan's
     * @throws TransferException with {@link ErrorCode#OUT_OF_RANGE} when the table is too short or
     *     names a block that the cache does not have; the cursor has no runs then
     */
    public void start(
            LayoutPlan plan, KvLayout side, int[] table, Origin layer, TokenRange tokens) {
        exhausted = true;
        nextLength = 0;
        walked = 0;
        if (!side.equals(plan.source()) && !side.equals(plan.target())) {
            throw new IllegalArgumentException("not a layout of the plan: " + side.describe());
        }
        target = plan.target();
        blocks = table;
        origin = layer;
        groupTokens = target.tokensPerBlock();
        bodyTokens = side.tokensPerBlock();
        bodyShift =
                Integer.bitCount(bodyTokens) == 1 ? Integer.numberOfTrailingZeros(bodyTokens) : -1;
        check(table, tokens);
        firstHead = plan.firstHead() - side.firstHead();
        heads = plan.heads();
        firstToken = tokens.first();
        endToken = tokens.end();
        parts = side.form().parts();
        vectorBytes = side.vectorBytes();
        tokenStride = side.tokenStride();
        headStride = side.headStride();
        nest();
        part = 0;
        if (tokens.count() > 0) {
            exhausted = false;
            firstGroup();
            advance();
        }
    }

    /** Nests the loops as the target stores, and sees which of them this side's memory follows. */
    private void nest() {
        partsOutermost = target.form() != KvForm.FUSED;
        headsOuter = target.order() == KvOrder.HND;
        pieceHeads = !headsOuter && headStride == vectorBytes ? heads : 1;
        tokensAdjoin =
                tokenStride == pieceHeads * vectorBytes && (headsOuter || pieceHeads == heads);
    }

    private void check(int[] table, TokenRange tokens) {
        if (tokens.count() == 0) {
            return;
        }
        int last = (tokens.end() - 1) / bodyTokens;
        if (last >= table.length) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    "token "
                            + (tokens.end() - 1)
                            + " needs block "
                            + last
                            + " of a table of "
                            + table.length);
        }
        for (int i = tokens.first() / bodyTokens; i <= last; i++) {
            if (table[i] < 0 || table[i] >= origin.blocks()) {
                throw new TransferException(
                        ErrorCode.OUT_OF_RANGE,
                        "block " + table[i] + " of a cache of " + origin.blocks() + " blocks");
            }
        }
    }

    @Override
    public boolean next() {
        if (nextLength == 0) {
            return false;
        }
        // A reference is stored only where it changes: to the garbage collector a store is news.
        if (segment != nextSegment) {
            segment = nextSegment;
        }
        offset = nextOffset;
        length = nextLength;
        advance();
        walked++;
        while (nextLength != 0 && nextSegment == segment && nextOffset == offset + length) {
            length += nextLength;
            advance();
        }
        return true;
    }

    /** {@return the runs that {@link #next} has given since the start} */
    public int walked() {
        return walked;
    }

    @Override
    public MemorySegment segment() {
        return segment;
    }

    @Override
    public long offset() {
        return offset;
    }

    @Override
    public long length() {
        return length;
    }

    /** Starts the tokens of the target block that the first token is in. */
    private void firstGroup() {
        group(firstToken, firstToken / groupTokens * groupTokens);
    }

    /** Starts the tokens of one target block from a token on. */
    private void group(int start, int blockStart) {
        groupStart = start;
        // Not their sum, which may be more than an int holds.
        groupEnd = endToken - blockStart <= groupTokens ? endToken : blockStart + groupTokens;
        head = 0;
        token = groupStart;
    }

    private int bodyBlock(int of) {
        return bodyShift >= 0 ? of >> bodyShift : of / bodyTokens;
    }

    /** Finds the next piece: as long as memory follows the loops, within one block of each side. */
    private void advance() {
        if (exhausted) {
            nextLength = 0;
            return;
        }
        int block = bodyBlock(token);
        int inBlock = token - block * bodyTokens;
        int tokens = tokensAdjoin ? Math.min(groupEnd - token, bodyTokens - inBlock) : 1;
        boolean key = part == 0;
        var memory = key ? origin.key() : origin.value();
        if (nextSegment != memory) {
            nextSegment = memory;
        }
        nextOffset =
                (key ? origin.keyOffset() : origin.valueOffset())
                        + blocks[block] * origin.stride()
                        + inBlock * tokenStride
                        + (firstHead + head) * headStride;
        nextLength = (long) tokens * pieceHeads * vectorBytes;
        step(tokens);
    }

    /** Moves the loops past a piece of so many tokens. */
    private void step(int tokens) {
        if (headsOuter) {
            token += tokens;
            if (token < groupEnd) {
                return;
            }
            token = groupStart;
            if (++head < heads) {
                return;
            }
        } else {
            head += pieceHeads;
            if (head < heads) {
                return;
            }
            head = 0;
            token += tokens;
            if (token < groupEnd) {
                return;
            }
        }
        nextGroup();
    }

    private void nextGroup() {
        if (partsOutermost) {
            if (groupEnd < endToken) {
                group(groupEnd, groupEnd);
            } else if (++part < parts) {
                firstGroup();
            } else {
                exhausted = true;
            }
        } else if (++part < parts) {
            // The same tokens once more, of the other part.
            head = 0;
            token = groupStart;
        } else if (groupEnd < endToken) {
            part = 0;
            group(groupEnd, groupEnd);
        } else {
            exhausted = true;
        }
    }
}
