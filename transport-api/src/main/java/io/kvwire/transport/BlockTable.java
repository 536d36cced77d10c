package io.kvwire.transport;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * The ordered blocks of one request in one cache: token {@code t} of the request lies in block
 * {@code t / tokensPerBlock}. Names the incarnation of the process that owns the blocks, so that a
 * table from before a restart is recognised.
 *
 * <p>Immutable and thread-safe. {@link #encode()} gives bytes for an application's own messages.
 */
public final class BlockTable {
    /** The most blocks that one table holds. */
    public static final int MAX_BLOCKS = 1 << 20;

    private static final int FIXED_BYTES = 12;
    private static final int ENTRY_BYTES = 8;

    private final long incarnation;
    private final int[] ids;
    private final int[] generations;

    private BlockTable(long incarnation, int[] ids, int[] generations) {
        this.incarnation = incarnation;
        this.ids = ids;
        this.generations = generations;
    }

    /**
     * Makes a table from parallel arrays, which are copied.
     *
     * @param incarnation of the owning node, see {@link TransferNode#incarnation()}
     * @param ids block indexes, each at least 0
     * @param generations the generation of each block
     * @return the table
     * @throws IllegalArgumentException when the arrays differ in length, are longer than {@link
     *     #MAX_BLOCKS} or hold a negative index
     */
    public static BlockTable of(long incarnation, int[] ids, int[] generations) {
        if (ids.length != generations.length || ids.length > MAX_BLOCKS) {
            throw new IllegalArgumentException(
                    "block table of "
                            + ids.length
                            + " ids and "
                            + generations.length
                            + " generations: need equal counts, at most "
                            + MAX_BLOCKS);
        }
        for (int id : ids) {
            if (id < 0) {
                throw new IllegalArgumentException("negative block id " + id);
            }
        }
        return new BlockTable(incarnation, ids.clone(), generations.clone());
    }

    /** {@return the incarnation of the node that owns the blocks} */
    public long incarnation() {
        return incarnation;
    }

    /** {@return the number of blocks} */
    public int size() {
        return ids.length;
    }

    /**
     * {@return the index in the cache of the block at a position}
     *
     * @param position from 0 to {@code size() - 1}
     */
    public int id(int position) {
        return ids[position];
    }

    /**
     * {@return the generation of the block at a position}
     *
     * @param position from 0 to {@code size() - 1}
     */
    public int generation(int position) {
        return generations[position];
    }

    /**
     * {@return the reference at a position}
     *
     * @param position from 0 to {@code size() - 1}
     */
    public BlockRef block(int position) {
        return new BlockRef(ids[position], generations[position]);
    }

    /** {@return a copy of the block indexes, in order} */
    public int[] ids() {
        return ids.clone();
    }

    /** The block indexes themselves, for those who read them only. */
    int[] uncopiedIds() {
        return ids;
    }

    /**
     * {@return this table as bytes: incarnation, count, then id and generation of each block,
     * little-endian}
     */
    public byte[] encode() {
        var out =
                ByteBuffer.allocate(FIXED_BYTES + ENTRY_BYTES * ids.length)
                        .order(ByteOrder.LITTLE_ENDIAN);
        out.putLong(incarnation).putInt(ids.length);
        for (int i = 0; i < ids.length; i++) {
            out.putInt(ids[i]).putInt(generations[i]);
        }
        return out.array();
    }

    /**
     * Reads what {@link #encode()} wrote; trailing bytes are an error.
     *
     * @param bytes an encoded table
     * @return the table
     * @throws TransferException with {@link ErrorCode#MALFORMED} when the bytes are not a table
     */
    public static BlockTable decode(byte[] bytes) {
        var in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        if (bytes.length < FIXED_BYTES) {
            throw malformed(bytes.length + " bytes, need at least " + FIXED_BYTES);
        }
        long incarnation = in.getLong();
        int count = in.getInt();
        if (count < 0 || count > MAX_BLOCKS || in.remaining() != (long) count * ENTRY_BYTES) {
            throw malformed(count + " blocks in " + in.remaining() + " bytes");
        }
        int[] ids = new int[count];
        int[] generations = new int[count];
        for (int i = 0; i < count; i++) {
            ids[i] = in.getInt();
            generations[i] = in.getInt();
            if (ids[i] < 0) {
                throw malformed("negative block id " + ids[i] + " at position " + i);
            }
        }
        return new BlockTable(incarnation, ids, generations);
    }

    private static TransferException malformed(String why) {
        return new TransferException(ErrorCode.MALFORMED, "not an encoded block table: " + why);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof BlockTable that
                && incarnation == that.incarnation
                && Arrays.equals(ids, that.ids)
                && Arrays.equals(generations, that.generations);
    }

    @Override
    public int hashCode() {
        return Long.hashCode(incarnation) * 31 + Arrays.hashCode(ids);
    }

    @Override
    public String toString() {
        return "BlockTable["
                + ids.length
                + " blocks"
                + (ids.length == 0 ? "" : ", first " + ids[0])
                + "]";
    }
}
