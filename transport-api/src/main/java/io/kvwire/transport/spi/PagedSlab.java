package io.kvwire.transport.spi;

import io.kvwire.transport.KvLayout;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.TokenRange;

/**
 * The values of a slab where they lie in a paged cache, or belong in one.
 *
 * @param slab which values, and, by its layout, their order one behind the other
 * @param cache the layout of the cache, whose block size and order may be others than the slab's
 * @param placement where the slab's layer lies
 * @param table for each block of the request, from its token 0, its number in the cache; not to be
 *     changed
 */
@SuppressWarnings("ArrayRecordComponent") // carried from a block table, never compared
public record PagedSlab(Slab slab, KvLayout cache, LayerPlacement placement, int[] table) {

    /**
     * {@return part of these values}
     *
     * @param tokens some of the slab's
     */
    public PagedSlab part(TokenRange tokens) {
        var part =
                new Slab(
                        slab.id(),
                        slab.layout(),
                        slab.layer(),
                        tokens,
                        slab.firstHead(),
                        slab.heads());
        return new PagedSlab(part, cache, placement, table);
    }
}
