package io.kvwire.transport.spi;

import io.kvwire.transport.KvLayout;

/**
 * The unit of encoding: some heads of some tokens of one layer, K and V.
 *
 * @param transferId the transfer
 * @param requestId the request
 * @param layout of the target; its order and form give the order of the values
 * @param layer from 0
 * @param firstToken in the request
 * @param tokens how many
 * @param firstHead of the model's KV heads
 * @param heads how many
 */
public record Slab(
        long transferId,
        long requestId,
        KvLayout layout,
        int layer,
        int firstToken,
        int tokens,
        int firstHead,
        int heads) {
    /** {@return the bytes of the slab before encoding} */
    public long rawBytes() {
        return (long) tokens * heads * layout.vectorBytes() * layout.form().parts();
    }
}
