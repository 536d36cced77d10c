package io.kvwire.pcie.bounce;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.CodedForm;
import io.kvwire.transport.spi.PagedSlab;

/** Cuts a slab into parts whose codes fit into a chunk. Confined to one thread. */
final class SlabParts {
    private final PagedSlab whole;
    private final int tokensOfPart;
    private PagedSlab part;
    private int next;

    SlabParts(PagedSlab whole, long chunkBytes) {
        this.whole = whole;
        part = whole;
        next = whole.slab().tokens().first();
        long one = CodedForm.of(whole.part(new TokenRange(next, 1)).slab()).mostBytes();
        if (one > chunkBytes) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    "the codes of one token take "
                            + one
                            + " bytes, a chunk of the ring has "
                            + chunkBytes);
        }
        // What comes once for a slab, its header and padding, is counted for each token here.
        tokensOfPart = (int) Math.min(chunkBytes / one, whole.slab().tokens().count());
    }

    boolean next() {
        int end = whole.slab().tokens().end();
        if (next == end) {
            return false;
        }
        int count = Math.min(tokensOfPart, end - next);
        part = whole.part(new TokenRange(next, count));
        next += count;
        return true;
    }

    PagedSlab part() {
        return part;
    }
}
