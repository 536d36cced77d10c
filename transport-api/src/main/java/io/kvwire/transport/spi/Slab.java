package io.kvwire.transport.spi;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.TransferException;

import java.util.Objects;

/**
 * The unit of encoding: some heads of some tokens of one layer, K and V.
 *
 * @param id which frame of which transfer it becomes
 * @param layout of the target; its order, form and size of blocks give the order of the values
 * @param layer from 0
 * @param tokens in the request, at least one
 * @param firstHead of the model's KV heads
 * @param heads how many, at least 1
 */
public record Slab(Id id, KvLayout layout, int layer, TokenRange tokens, int firstHead, int heads) {

    /** Checks that the slab is part of the layout. */
    public Slab {
        Objects.requireNonNull(id, "id");
        int end = layout.firstHead() + layout.heads();
        if (layer < 0 || layer >= layout.layers()) {
            throw outOfRange("layer " + layer, layout);
        }
        if (tokens.count() < 1) {
            throw outOfRange("a slab without tokens", layout);
        }
        if (heads < 1 || firstHead < layout.firstHead() || firstHead > end - heads) {
            throw outOfRange("heads " + firstHead + " + " + heads, layout);
        }
    }

    private static TransferException outOfRange(String what, KvLayout layout) {
        return new TransferException(
                ErrorCode.OUT_OF_RANGE, what + ": not part of a cache of " + layout.describe());
    }

    /** {@return the bytes of the slab before encoding} */
    public long rawBytes() {
        long tokenBytes = (long) heads * layout.vectorBytes() * layout.form().parts();
        return tokenBytes * tokens.count();
    }

    /**
     * Which frame of which transfer.
     *
     * @param transferId the transfer
     * @param requestId the request
     * @param generation of the target's blocks: that of a single block, else the CRC32C of those of
     *     all blocks in order, each as four bytes, little-endian
     * @param chunk place of the frame in its transfer, from 0
     * @param chunks frames of the transfer, more than {@code chunk}
     */
    public record Id(long transferId, long requestId, int generation, int chunk, int chunks) {
        /** Checks that the chunk is one of the chunks. */
        public Id {
            if (chunk < 0 || chunk >= chunks) {
                throw new TransferException(
                        ErrorCode.OUT_OF_RANGE, "chunk " + chunk + " of " + chunks);
            }
        }
    }
}
