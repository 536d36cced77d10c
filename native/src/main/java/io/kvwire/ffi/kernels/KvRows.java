package io.kvwire.ffi.kernels;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.kvwire.ffi.CStruct;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvOrder;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.Slab;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;

/**
 * Which rows a kernel moves: those of a slab, in the order of its frame, and where they lie in a
 * paged cache whose block size and order may be others. A row is the elements of one token, head
 * and part.
 *
 * <p>Immutable and thread-safe.
 *
 * @param slab the rows; its layout is that of the transfer's target and decides their order
 * @param cache the layout of the cache that they are in, or go to
 * @param placement where the layer lies; only its offsets and its stride count
 */
public record KvRows(Slab slab, KvLayout cache, LayerPlacement placement) {

    /** Rows that one group of threads moves, in kernels that move all of them. */
    public static final int ROWS_OF_GROUP = 32;

    /** Threads of a group. */
    public static final int THREADS_OF_GROUP = 128;

    /** The struct of {@code kv_rows.h}. */
    public static final StructLayout LAYOUT =
            CStruct.of(
                    "KvRows",
                    JAVA_LONG.withName("key_offset"),
                    JAVA_LONG.withName("value_offset"),
                    JAVA_LONG.withName("block_stride"),
                    JAVA_LONG.withName("token_stride"),
                    JAVA_LONG.withName("head_stride"),
                    JAVA_INT.withName("count"),
                    JAVA_INT.withName("parts"),
                    JAVA_INT.withName("first_token"),
                    JAVA_INT.withName("tokens"),
                    JAVA_INT.withName("heads"),
                    JAVA_INT.withName("dim"),
                    JAVA_INT.withName("element_bytes"),
                    JAVA_INT.withName("dtype"),
                    JAVA_INT.withName("cache_tokens_per_block"),
                    JAVA_INT.withName("frame_tokens_per_block"),
                    JAVA_INT.withName("frame_flags"),
                    JAVA_INT.withName("alignment"));

    private static final int HEAD_MAJOR = 1;
    private static final int FUSED = 2;
    private static final long WIDEST_BYTES = 16;
    private static final long MOST_BYTES = 1L << 30;

    /** Checks that the cache holds such rows. */
    public KvRows {
        var frame = slab.layout();
        if (frame.headDim() != cache.headDim()
                || frame.dtype() != cache.dtype()
                || frame.form().parts() != cache.form().parts()) {
            throw new TransferException(
                    ErrorCode.INCOMPATIBLE_LAYOUT,
                    "rows of ("
                            + frame.describe()
                            + ") do not lie in a cache of ("
                            + cache.describe()
                            + "): head dim, dtype and number of parts must be equal");
        }
        int firstHead = slab.firstHead() - cache.firstHead();
        if (firstHead < 0 || slab.heads() > cache.heads() - firstHead) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    "heads "
                            + slab.firstHead()
                            + " + "
                            + slab.heads()
                            + " are not all in the cache, which has "
                            + cache.firstHead()
                            + " + "
                            + cache.heads());
        }
        if (slab.tokens().count() < 1 || slab.rawBytes() > MOST_BYTES) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    slab.tokens().count()
                            + " tokens of "
                            + slab.rawBytes()
                            + " bytes: a launch moves 1 token to 1 GiB; make several");
        }
    }

    /** {@return the number of rows} */
    public int count() {
        return cache.form().parts() * slab.tokens().count() * slab.heads();
    }

    /** {@return the bytes of one row} */
    public int rowBytes() {
        return cache.vectorBytes();
    }

    /** {@return how many groups of threads move all rows} */
    public int groups() {
        return Math.ceilDiv(count(), ROWS_OF_GROUP);
    }

    /** {@return whether rows can be made INT8 codes} */
    public boolean isQuantisable() {
        return switch (cache.dtype()) {
            case FP32, FP16, BF16 -> true;
            case FP8_E4M3, FP8_E5M2, INT8 -> false;
        };
    }

    /**
     * Refuses a block table that would lead a kernel out of memory.
     *
     * @param table for each block of the request, from its token 0, its number in the cache
     * @param keyBytes of the memory that K lies in
     * @param valueBytes of the memory that V lies in; of no account for a latent
     * @throws TransferException with {@link ErrorCode#OUT_OF_RANGE} when a block of the rows is
     *     missing or lies outside
     */
    public void requireInside(int[] table, long keyBytes, long valueBytes) {
        var tokens = slab.tokens();
        int perBlock = cache.tokensPerBlock();
        int last = (tokens.end() - 1) / perBlock;
        if (last >= table.length) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    "a table of "
                            + table.length
                            + " blocks does not reach token "
                            + (tokens.end() - 1)
                            + ": it needs "
                            + (last + 1));
        }
        for (int i = tokens.first() / perBlock; i <= last; i++) {
            requireBlock(table[i], placement.keyOffset(), keyBytes);
            if (cache.form() != KvForm.LATENT) {
                requireBlock(table[i], placement.valueOffset(), valueBytes);
            }
        }
    }

    private void requireBlock(int block, long offset, long bytes) {
        long room = bytes - offset - cache.partBytes();
        boolean inside =
                block >= 0
                        && offset >= 0
                        && room >= 0
                        && (block == 0 || placement.blockStride() <= room / block);
        if (!inside || placement.blockStride() < 0) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    "block "
                            + block
                            + " at "
                            + offset
                            + " + block * "
                            + placement.blockStride()
                            + " is not inside the cache's "
                            + bytes
                            + " bytes: check the block table");
        }
    }

    /**
     * Writes the struct.
     *
     * @param struct at least as large as {@link #LAYOUT}
     */
    public void write(MemorySegment struct) {
        var frame = slab.layout();
        long heads = (long) (slab.firstHead() - cache.firstHead()) * cache.headStride();
        long key = placement.keyOffset() + heads;
        long value = placement.valueOffset() + heads;
        long token = cache.tokenStride();
        long head = cache.headStride();
        put(struct, "key_offset", key);
        put(struct, "value_offset", value);
        put(struct, "block_stride", placement.blockStride());
        put(struct, "token_stride", token);
        put(struct, "head_stride", head);
        put(struct, "count", count());
        put(struct, "parts", cache.form().parts());
        put(struct, "first_token", slab.tokens().first());
        put(struct, "tokens", slab.tokens().count());
        put(struct, "heads", slab.heads());
        put(struct, "dim", cache.headDim());
        put(struct, "element_bytes", cache.dtype().bytes());
        put(struct, "dtype", cache.dtype().number());
        put(struct, "cache_tokens_per_block", cache.tokensPerBlock());
        put(struct, "frame_tokens_per_block", frame.tokensPerBlock());
        put(
                struct,
                "frame_flags",
                (frame.order() == KvOrder.HND ? HEAD_MAJOR : 0)
                        | (frame.form() == KvForm.FUSED ? FUSED : 0));
        long all = WIDEST_BYTES | key | value | placement.blockStride() | token | head | rowBytes();
        put(struct, "alignment", (int) Long.lowestOneBit(all));
    }

    private static void put(MemorySegment struct, String field, long value) {
        struct.set(JAVA_LONG, CStruct.offset(LAYOUT, field), value);
    }

    private static void put(MemorySegment struct, String field, int value) {
        struct.set(JAVA_INT, CStruct.offset(LAYOUT, field), value);
    }
}
