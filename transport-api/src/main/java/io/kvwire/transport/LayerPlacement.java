package io.kvwire.transport;

import java.lang.foreign.MemorySegment;

/**
 * Where one layer of a cache lies: the K of block {@code b} starts at {@code keyOffset + b *
 * blockStride}, its V at {@code valueOffset + b * blockStride}. With the two offsets and the stride
 * this covers planes, fused blocks, one array each for K and V, and pages that interleave layers.
 *
 * @param key memory that holds K, or the latent
 * @param keyOffset of block 0's K, in bytes
 * @param value memory that holds V; the same as {@code key} in most caches; ignored for a latent
 * @param valueOffset of block 0's V, in bytes
 * @param blockStride bytes from one block's K to the next one's
 */
public record LayerPlacement(
        MemorySegment key,
        long keyOffset,
        MemorySegment value,
        long valueOffset,
        long blockStride) {

    /**
     * {@return the dense placement of one layer in memory of its own}
     *
     * @param layout the shape
     * @param memory at least {@code blocks * layout.blockBytes()} bytes
     * @param blocks the number of blocks
     */
    public static LayerPlacement dense(KvLayout layout, MemorySegment memory, int blocks) {
        long part = layout.partBytes();
        return switch (layout.form()) {
            case SPLIT -> new LayerPlacement(memory, 0, memory, part * blocks, part);
            case FUSED -> new LayerPlacement(memory, 0, memory, part, 2 * part);
            case LATENT -> new LayerPlacement(memory, 0, memory, 0, part);
        };
    }
}
