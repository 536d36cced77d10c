package io.kvwire.harness.model;

import io.kvwire.transport.KvOrder;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A paged KV cache as attention sees it: per layer, the memory of keys and values, and the strides
 * that find an element in it. It owns no memory; whoever allocated or registered that keeps it
 * alive.
 *
 * <p><b>Threading:</b> immutable. The bytes are read and written without synchronisation: nobody
 * else may write the blocks of a sequence while it is in use.
 *
 * <p><b>Errors:</b> strides that would reach outside a segment are refused when the cache is made.
 *
 * <pre>{@code
 * var cache = PagedKv.allocate(arena, config.kvGeometry(64, 16, ElementType.BF16),
 *         KvOrder.NHD, KvPacking.SPLIT);
 * }</pre>
 */
public final class PagedKv {
    private final KvGeometry geometry;
    private final KvStrides strides;
    private final List<MemorySegment> keys;
    private final List<MemorySegment> values;

    private PagedKv(
            KvGeometry geometry,
            KvStrides strides,
            List<MemorySegment> keys,
            List<MemorySegment> values) {
        this.geometry = geometry;
        this.strides = strides;
        this.keys = List.copyOf(keys);
        this.values = List.copyOf(values);
        check(this.keys, "keys", strides.key());
        check(this.values, "values", strides.value());
    }

    /**
     * Allocates a dense cache, filled with zeros.
     *
     * @param arena owns the memory; must be usable from several threads
     * @param geometry its sizes
     * @param order tokens or heads first
     * @param packing where the values lie
     * @return the cache
     */
    public static PagedKv allocate(
            Arena arena, KvGeometry geometry, KvOrder order, KvPacking packing) {
        var segments =
                IntStream.range(0, geometry.layers())
                        .mapToObj(layer -> arena.allocate(geometry.layerBytes(), 64))
                        .toList();
        return over(geometry, KvStrides.of(geometry, order, packing), segments, segments);
    }

    /**
     * Makes a cache over memory that exists.
     *
     * @param geometry its sizes
     * @param strides where elements lie
     * @param keys one segment per layer, with that layer's keys
     * @param values the same for the values; may be the same segments
     * @return the cache
     * @throws IllegalArgumentException if there are not as many segments as layers, or an element
     *     would lie outside its segment
     */
    public static PagedKv over(
            KvGeometry geometry,
            KvStrides strides,
            List<MemorySegment> keys,
            List<MemorySegment> values) {
        return new PagedKv(geometry, strides, keys, values);
    }

    private void check(List<MemorySegment> segments, String what, long base) {
        if (segments.size() != geometry.layers()) {
            throw new IllegalArgumentException(
                    segments.size()
                            + " segments with "
                            + what
                            + " for "
                            + geometry.layers()
                            + " layers; give one per layer");
        }
        long end = lastByte(base);
        for (int layer = 0; layer < segments.size(); layer++) {
            if (end < 0 || end > segments.get(layer).byteSize()) {
                throw new IllegalArgumentException(
                        "the "
                                + what
                                + " of layer "
                                + layer
                                + " have "
                                + segments.get(layer).byteSize()
                                + " bytes, but "
                                + strides
                                + " with "
                                + geometry
                                + " reach to byte "
                                + end);
            }
        }
    }

    /** The end of the last element, or -1 if a stride is negative or the sum overflows. */
    private long lastByte(long base) {
        if (base < 0 || strides.block() < 0 || strides.token() < 0 || strides.head() < 0) {
            return -1;
        }
        try {
            long end = Math.addExact(base, (long) geometry.headDim() * geometry.type().bytes());
            end = Math.addExact(end, Math.multiplyExact(strides.block(), geometry.blocks() - 1));
            end =
                    Math.addExact(
                            end,
                            Math.multiplyExact(strides.token(), geometry.tokensPerBlock() - 1));
            return Math.addExact(end, Math.multiplyExact(strides.head(), geometry.kvHeads() - 1));
        } catch (ArithmeticException e) {
            return -1;
        }
    }

    /** {@return the sizes} */
    public KvGeometry geometry() {
        return geometry;
    }

    /** {@return the strides} */
    public KvStrides strides() {
        return strides;
    }

    /**
     * {@return the memory that holds a layer's keys}
     *
     * @param layer the layer
     */
    public MemorySegment keys(int layer) {
        return keys.get(layer);
    }

    /**
     * {@return the memory that holds a layer's values}
     *
     * @param layer the layer
     */
    public MemorySegment values(int layer) {
        return values.get(layer);
    }

    /**
     * {@return where a key's first element lies in {@link #keys}, in bytes}
     *
     * @param block the block's id
     * @param token the token's place in the block
     * @param head the key/value head
     */
    public long keyOffset(int block, int token, int head) {
        return strides.key() + offset(block, token, head);
    }

    /**
     * {@return where a value's first element lies in {@link #values}, in bytes}
     *
     * @param block the block's id
     * @param token the token's place in the block
     * @param head the key/value head
     */
    public long valueOffset(int block, int token, int head) {
        return strides.value() + offset(block, token, head);
    }

    private long offset(int block, int token, int head) {
        return block * strides.block() + token * strides.token() + head * strides.head();
    }
}
