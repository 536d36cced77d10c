package io.kvwire.transport.core;

import io.kvwire.transport.Access;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

/** What a peer may do with the memory of this node; asked for each frame and each READ. */
final class Grants {
    private Grants() {}

    static PagedCache readable(LocalNode node, int cacheId) {
        var cache = node.registry().cache(cacheId);
        if (!cache.access().readable()) {
            throw denied("cache '" + cache.name() + "'", node, cache.access(), "READ");
        }
        return cache;
    }

    static PagedCache writable(LocalNode node, int cacheId) {
        var cache = node.registry().cache(cacheId);
        if (!cache.access().writable()) {
            throw denied("cache '" + cache.name() + "'", node, cache.access(), "WRITE");
        }
        return cache;
    }

    static MemoryRegion readable(LocalNode node, int regionId, int generation) {
        var region = node.registry().region(regionId, generation);
        if (!region.access().readable()) {
            throw denied("region " + region.id(), node, region.access(), "READ");
        }
        return region;
    }

    static MemoryRegion writable(LocalNode node, int regionId, int generation) {
        var region = node.registry().region(regionId, generation);
        if (!region.access().writable()) {
            throw denied("region " + region.id(), node, region.access(), "WRITE");
        }
        return region;
    }

    /** Pins a region for one frame or transfer. */
    static void pin(MemoryRegion region) {
        if (!region.pin()) {
            throw new TransferException(
                    ErrorCode.STALE, "region " + region.id() + " was withdrawn by its owner");
        }
    }

    private static TransferException denied(
            String memory, LocalNode node, Access access, String wanted) {
        return new TransferException(
                ErrorCode.ACCESS_DENIED,
                "%s of '%s' grants peers %s, not %s"
                        .formatted(memory, node.name(), access, wanted));
    }
}
