package io.kvwire.codec;

import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvOrder;

/**
 * Walks the bodies of a frame, each the K or the V (or the latent) of the tokens of one block, in
 * the order in which the frame holds them. Confined to one thread.
 */
final class Bodies {
    private FrameHeader header;
    private int parts;
    private int end;
    private int part;
    private int first;
    private int tokens;

    /** Begins before the first body. */
    void start(FrameHeader of) {
        header = of;
        parts = of.form.parts();
        end = of.firstToken + of.tokens;
        part = 0;
        first = of.firstToken;
        tokens = 0;
    }

    /** Moves to the next body. */
    boolean next() {
        boolean fused = header.form == KvForm.FUSED;
        if (tokens != 0 && fused && part + 1 < parts) {
            part++;
            return true;
        }
        first += tokens;
        if (first == end) {
            if (fused || part + 1 == parts) {
                return false;
            }
            first = header.firstToken;
        }
        if (fused) {
            part = 0;
        } else if (first == header.firstToken && tokens != 0) {
            part++;
        }
        int block = header.tokensPerBlock;
        tokens = (int) Math.min(end, (first / block + 1L) * block) - first;
        return true;
    }

    /** {@return the vectors of this body} */
    int rows() {
        return tokens * header.heads;
    }

    /** {@return whether this body is K, or the latent} */
    boolean isKey() {
        return part == 0;
    }

    /** {@return what is done with the rows of this body} */
    RowCoding coding() {
        return isKey() ? header.keys : header.values;
    }

    /**
     * {@return the head that a row belongs to, from 0}
     *
     * @param row of this body
     */
    int head(int row) {
        return header.order == KvOrder.NHD ? row % header.heads : row / tokens;
    }
}
