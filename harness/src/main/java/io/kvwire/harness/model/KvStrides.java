package io.kvwire.harness.model;

import io.kvwire.transport.KvOrder;

/**
 * Where an element of a layer's cache lies, in bytes: {@code base + block * block() + token *
 * token() + head * head() + dim * elementBytes}, with {@code key()} or {@code value()} as the base.
 * The elements of one head are contiguous.
 *
 * @param key where the keys begin in their segment
 * @param value where the values begin in theirs
 * @param block distance between blocks
 * @param token distance between tokens of a block
 * @param head distance between heads of a token
 */
public record KvStrides(long key, long value, long block, long token, long head) {

    /**
     * {@return the strides of a dense cache whose layers each lie in one segment}
     *
     * @param geometry the cache's sizes
     * @param order tokens or heads first
     * @param packing where the values lie
     */
    public static KvStrides of(KvGeometry geometry, KvOrder order, KvPacking packing) {
        long row = (long) geometry.headDim() * geometry.type().bytes();
        long half = geometry.halfBlockBytes();
        long token = order == KvOrder.NHD ? geometry.kvHeads() * row : row;
        long head = order == KvOrder.NHD ? row : geometry.tokensPerBlock() * row;
        return switch (packing) {
            case SPLIT -> new KvStrides(0, geometry.blocks() * half, half, token, head);
            case FUSED -> new KvStrides(0, half, 2 * half, token, head);
        };
    }
}
