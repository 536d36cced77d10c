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
            return new Origin(layer.key(), layer.keyOffset(), layer.value(), layer.valueOffset(),
                    layer.blockStride(), blocks);
        }

        static Origin dense(KvLayout layout, int blocks) {
            return of(LayerPlacement.dense(layout, MemorySegment.NULL, blocks), blocks);
        }
    }

    private KvLayout layout;
    private KvLayout target;
    private int[] blocks;
    private Origin origin;
    private int firstHead;
    private int heads;
    private int endToken;
    private int firstToken;
    private int bodyTokens;

    // The piece that comes next: part and tokens [token, groupEnd) of one target block, and inside
    // it the head and token that the inner loops have reached.
    private boolean partsOutermost;
    private boolean headsOuter;
    private int part;
    private int groupStart;
    private int groupEnd;
    private int head;
    private int token;
    private boolean exhausted;

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
     * @param table block indexes of that side, in order of tokens; not copied
     * @param layer where that side's layer lies
     * @param tokens the tokens to walk
     * @throws TransferException with {@link ErrorCode#OUT_OF_RANGE} when the table is too short or
     *     names a block that the cache does not have
     */
    public void start(
            LayoutPlan plan, KvLayout side, int[] table, Origin layer, TokenRange tokens) {
        layout = side;
        target = plan.target();
        blocks = table;
        origin = layer;
        firstHead = plan.firstHead() - side.firstHead();
        heads = plan.heads();
        firstToken = tokens.first();
        endToken = tokens.end();
        bodyTokens = side.tokensPerBlock();
        check(table, tokens);
        partsOutermost = target.form() != KvForm.FUSED;
        headsOuter = target.order() == KvOrder.HND;
        part = 0;
        exhausted = tokens.count() == 0;
        nextLength = 0;
        if (!exhausted) {
            group(firstToken);
            advance();
        }
    }

    private void check(int[] table, TokenRange tokens) {
        if (tokens.count() == 0) {
            return;
        }
        int last = (tokens.end() - 1) / bodyTokens;
        if (last >= table.length) {
            throw new TransferException(ErrorCode.OUT_OF_RANGE, "token " + (tokens.end() - 1)
                    + " needs block " + last + " of a table of " + table.length);
        }
        for (int i = tokens.first() / bodyTokens; i <= last; i++) {
            if (table[i] < 0 || table[i] >= origin.blocks()) {
                throw new TransferException(ErrorCode.OUT_OF_RANGE,
                        "block " + table[i] + " of a cache of " + origin.blocks() + " blocks");
            }
        }
    }

    @Override
    public boolean next() {
        if (nextLength == 0) {
            return false;
        }
        segment = nextSegment;
        offset = nextOffset;
        length = nextLength;
        advance();
        while (nextLength != 0 && nextSegment == segment && nextOffset == offset + length) {
            length += nextLength;
            advance();
        }
        return true;
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

    /** Starts the tokens of one target block from a token on. */
    private void group(int start) {
        groupStart = start;
        int blockEnd = (start / target.tokensPerBlock() + 1) * target.tokensPerBlock();
        groupEnd = Math.min(endToken, blockEnd);
        head = 0;
        token = groupStart;
    }

    /** Finds the next piece, as long as both orders allow. */
    private void advance() {
        if (exhausted) {
            nextLength = 0;
            return;
        }
        int bodyEnd = Math.min(groupEnd, (token / bodyTokens + 1) * bodyTokens);
        int count;
        int headCount;
        if (headsOuter) {
            boolean tokensAdjoin = layout.order() == KvOrder.HND || layout.heads() == 1;
            count = tokensAdjoin ? bodyEnd - token : 1;
            headCount = 1;
        } else {
            boolean headsAdjoin = layout.order() == KvOrder.NHD;
            headCount = headsAdjoin ? heads : 1;
            boolean tokensAdjoin = headsAdjoin ? heads == layout.heads() : layout.heads() == 1;
            count = tokensAdjoin ? bodyEnd - token : 1;
        }
        locate();
        nextLength = (long) count * headCount * layout.vectorBytes();
        step(count, headCount);
    }

    private void locate() {
        boolean key = part == 0;
        nextSegment = key ? origin.key() : origin.value();
        nextOffset = (key ? origin.keyOffset() : origin.valueOffset())
                + blocks[token / bodyTokens] * origin.stride()
                + token % bodyTokens * layout.tokenStride()
                + (firstHead + head) * layout.headStride();
    }

    /** Moves the loops past a piece of so many tokens of so many heads. */
    private void step(int count, int headCount) {
        if (headsOuter) {
            token += count;
            if (token < groupEnd) {
                return;
            }
            token = groupStart;
            head += headCount;
        } else {
            head += headCount;
            if (head < heads) {
                return;
            }
            head = 0;
            token += count;
            if (token < groupEnd) {
                return;
            }
            head = heads;
        }
        if (head >= heads) {
            nextGroup();
        }
    }

    private void nextGroup() {
        int parts = layout.form().parts();
        if (partsOutermost) {
            if (groupEnd < endToken) {
                group(groupEnd);
            } else if (++part < parts) {
                group(firstToken);
            } else {
                exhausted = true;
            }
        } else if (++part < parts) {
            group(groupStart);
        } else if (groupEnd < endToken) {
            part = 0;
            group(groupEnd);
        } else {
            exhausted = true;
        }
    }
}
