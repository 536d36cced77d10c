package io.kvwire.transport.core;

import io.kvwire.transport.Limits;

import java.util.Arrays;
import java.util.zip.CRC32C;

/**
 * What a frame on its way in was admitted to, kept from being handed out meanwhile: listed blocks
 * of a cache, or a region. Reused; confined to one thread at a time.
 */
final class TargetPins {
    final int[] ids = new int[Limits.MAX_BLOCKS_PER_FRAME];
    final int[] generations = new int[Limits.MAX_BLOCKS_PER_FRAME];
    private final CRC32C crc = new CRC32C();
    private PagedCache cache;
    private MemoryRegion region;
    private int pinned;
    private int retireCount;

    /** Begins with nothing. */
    void start() {
        cache = null;
        region = null;
        pinned = 0;
    }

    /** Pins the listed blocks; on failure none stays pinned. */
    void pinBlocks(PagedCache of, int count) {
        cache = of;
        retireCount = of.ledger().retireCount();
        of.ledger().pinAll(ids, generations, count);
        pinned = count;
    }

    void pinRegion(MemoryRegion of) {
        Grants.pin(of);
        region = of;
        pinned = 1;
    }

    PagedCache cache() {
        return cache;
    }

    MemoryRegion region() {
        return region;
    }

    /** The blocks that are pinned, in the order of their tokens. */
    int[] listed() {
        return Arrays.copyOf(ids, pinned);
    }

    void unpin() {
        int count = pinned;
        pinned = 0;
        if (count > 0 && cache != null) {
            cache.ledger().unpinAll(ids, count);
        } else if (count > 0) {
            region.unpin();
        }
    }

    /** Whether a block or region was taken back by its owner. */
    boolean takenBack() {
        if (region != null) {
            return region.withdrawn();
        }
        if (cache == null || cache.ledger().retireCount() == retireCount) {
            return false;
        }
        for (int i = 0; i < pinned; i++) {
            if (!cache.ledger().current(ids[i], generations[i])) {
                return true;
            }
        }
        return false;
    }

    /** The generation of so many blocks as a frame of a codec says it; 0 for none. */
    int generation(int entries) {
        if (entries == 0) {
            return 0;
        }
        if (entries == 1) {
            return generations[0];
        }
        crc.reset();
        for (int i = 0; i < entries; i++) {
            Checksums.update(crc, generations[i]);
        }
        return (int) crc.getValue();
    }
}
