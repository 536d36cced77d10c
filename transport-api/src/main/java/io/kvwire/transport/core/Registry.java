package io.kvwire.transport.core;

import io.kvwire.transport.Access;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DeviceMemory;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * What a node has registered: caches and regions by id, the devices that they lie on, and the
 * staging that wires and devices hear of. Tells the peers of each change. Thread-safe.
 */
final class Registry {
    private final LocalNode node;
    private final Consumer<ByteBuffer> announce;
    private final Map<Integer, PagedCache> caches = new ConcurrentHashMap<>();
    private final Map<Integer, MemoryRegion> regions = new ConcurrentHashMap<>();
    private final CopyOnWriteArrayList<DeviceMemory> devices = new CopyOnWriteArrayList<>();
    private final AtomicInteger nextObject = new AtomicInteger();

    /** What an application registers as a cache. */
    record What(
            String name,
            KvLayout layout,
            List<LayerPlacement> placement,
            int blocks,
            Access access,
            Optional<DeviceMemory> device) {}

    Registry(LocalNode node, Consumer<ByteBuffer> announce) {
        this.node = node;
        this.announce = announce;
    }

    /** The id of what was registered last. */
    int lastObjectId() {
        return nextObject.get();
    }

    Collection<PagedCache> caches() {
        return caches.values();
    }

    Collection<MemoryRegion> regions() {
        return regions.values();
    }

    PagedCache cache(int id) {
        var cache = caches.get(id);
        if (cache == null) {
            throw new TransferException(
                    ErrorCode.UNKNOWN_REGION,
                    "node '"
                            + node.name()
                            + "' has no cache "
                            + id
                            + ": it was withdrawn or never there");
        }
        return cache;
    }

    MemoryRegion region(int id, int generation) {
        var region = regions.get(id);
        if (region == null) {
            throw new TransferException(
                    ErrorCode.UNKNOWN_REGION,
                    "node '"
                            + node.name()
                            + "' has no region "
                            + id
                            + ": it was withdrawn or never there");
        }
        if (region.generation() != generation) {
            throw new TransferException(
                    ErrorCode.STALE,
                    "region "
                            + id
                            + " of '"
                            + node.name()
                            + "' was registered anew: generation "
                            + generation
                            + " has passed");
        }
        return region;
    }

    private void checkRoom() {
        node.requireOpen();
        int most = node.config().limits().maxRegions();
        if (caches.size() + regions.size() >= most) {
            throw new TransferException(
                    ErrorCode.RESOURCE_EXHAUSTED,
                    "node '" + node.name() + "' has " + most + " regions and caches (maxRegions)");
        }
    }

    PagedCache register(What what) {
        checkRoom();
        if (caches.values().stream().anyMatch(cache -> cache.name().equals(what.name))) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    "node '" + node.name() + "' has a cache '" + what.name + "' already");
        }
        var cache =
                new PagedCache(
                        node,
                        nextObject.incrementAndGet(),
                        what.name,
                        what.layout,
                        what.placement,
                        what.blocks,
                        what.access,
                        what.device);
        var announcement = Hello.message(cache.announcement());
        int most = node.config().limits().maxControlBytes();
        if (announcement.remaining() > most) {
            throw new TransferException(
                    ErrorCode.RESOURCE_EXHAUSTED,
                    "cache '%s' with %s takes %d bytes to announce: at most %d (maxControlBytes)"
                            .formatted(
                                    what.name,
                                    what.layout.scales(),
                                    announcement.remaining(),
                                    most));
        }
        cache.device().ifPresent(devices::addIfAbsent);
        cache.offer(node.paths());
        cache.showPeers(node.paths());
        node.coders().expect(what.layout);
        caches.put(cache.id(), cache);
        announce.accept(announcement);
        return cache;
    }

    MemoryRegion register(MemorySegment segment, Access access) {
        checkRoom();
        var region = new MemoryRegion(node, nextObject.incrementAndGet(), segment, access);
        node.paths().memoryAdded(segment, access);
        regions.put(region.id(), region);
        announce.accept(Hello.message(region.announcement()));
        return region;
    }

    void withdraw(PagedCache cache) {
        if (caches.remove(cache.id(), cache)) {
            announce.accept(new MessageWriter(ControlMessages.WITHDRAWN).u32(cache.id()).message());
        }
    }

    void withdraw(MemoryRegion region) {
        if (regions.remove(region.id(), region)) {
            announce.accept(
                    new MessageWriter(ControlMessages.WITHDRAWN).u32(region.id()).message());
        }
    }

    /** Says that memory of the host will be staging of frames, again and again. */
    void stagingAdded(MemorySegment memory, Access access) {
        node.paths().memoryAdded(memory, access);
        devices.forEach(device -> device.pin(memory));
    }

    void stagingRemoved(MemorySegment memory) {
        node.paths().memoryRemoved(memory);
        devices.forEach(device -> device.unpin(memory));
    }
}
