package io.kvwire.harness.split;

import io.kvwire.harness.model.KvGeometry;
import io.kvwire.harness.model.KvStrides;
import io.kvwire.harness.model.LlamaConfig;
import io.kvwire.harness.model.PagedKv;
import io.kvwire.pcie.SharedArena;
import io.kvwire.transport.Access;
import io.kvwire.transport.KvCache;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.TransferNode;
import io.kvwire.transport.spi.DeviceMemory;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * The memory of one paged cache, seen from both sides: by the transport as a {@link KvLayout} and
 * {@link LayerPlacement}s, by the model as a {@link PagedKv}. Both name the same bytes; nothing is
 * copied between them.
 *
 * <p>Owns the memory. Close it only after the node that it was registered with has closed, or after
 * {@code deregister} has completed. Safe to share; closing is for the owner alone.
 */
public final class CacheMemory implements AutoCloseable {
    /** Segments start on pages, so that devices and O_DIRECT could use them as they are. */
    private static final long ALIGNMENT = 4096;

    private final Runnable freeing;
    private final Optional<DeviceMemory> device;
    private final KvLayout layout;
    private final int blocks;
    private final List<LayerPlacement> placement;
    private final PagedKv paged;

    private CacheMemory(
            Optional<DeviceMemory> device,
            Runnable freeing,
            List<MemorySegment> segments,
            LlamaConfig config,
            CacheShape shape) {
        this.device = device;
        this.freeing = freeing;
        layout = shape.layout(config);
        blocks = (int) (segments.getFirst().byteSize() / layout.blockBytes());
        placement = segments.stream().map(s -> LayerPlacement.dense(layout, s, blocks)).toList();
        paged = pagedOver(config, shape, placement, blocks);
    }

    /**
     * Allocates a cache in memory of the host, filled with zeros.
     *
     * @param config the model's sizes
     * @param shape how blocks look
     * @param tokens the least number of tokens to hold
     * @return the memory
     */
    public static CacheMemory allocate(LlamaConfig config, CacheShape shape, int tokens) {
        var arena = SharedArena.openOrPrivate();
        try {
            var segments = segments(arena::allocate, config, shape, tokens);
            return new CacheMemory(Optional.empty(), arena::close, segments, config, shape);
        } catch (RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    /**
     * Allocates a cache in memory of a device, filled with zeros.
     *
     * @param device outlives the cache
     * @param config the model's sizes
     * @param shape how blocks look
     * @param tokens the least number of tokens to hold
     * @return the memory
     * @throws io.kvwire.transport.TransferException with {@link
     *     io.kvwire.transport.ErrorCode#RESOURCE_EXHAUSTED} when the device has too little
     */
    public static CacheMemory allocate(
            DeviceMemory device, LlamaConfig config, CacheShape shape, int tokens) {
        var allocated = new ArrayList<MemorySegment>();
        Runnable freeing = () -> allocated.forEach(device::free);
        try {
            segments(
                    (bytes, alignment) -> {
                        var memory = device.allocate(bytes, alignment);
                        allocated.add(memory);
                        return memory;
                    },
                    config,
                    shape,
                    tokens);
            return new CacheMemory(Optional.of(device), freeing, allocated, config, shape);
        } catch (RuntimeException | Error e) {
            freeing.run();
            throw e;
        }
    }

    private interface Allocator {
        MemorySegment allocate(long bytes, long alignment);
    }

    /** One segment for each layer. */
    private static List<MemorySegment> segments(
            Allocator from, LlamaConfig config, CacheShape shape, int tokens) {
        var layout = shape.layout(config);
        long bytes = Math.ceilDiv(tokens, shape.tokensPerBlock()) * layout.blockBytes();
        return IntStream.range(0, layout.layers())
                .mapToObj(layer -> from.allocate(bytes, ALIGNMENT))
                .toList();
    }

    /**
     * Registers the cache with a node.
     *
     * @param node to register it with
     * @param name the same at both ends
     * @param access what peers may do
     * @return the cache
     */
    public KvCache register(TransferNode node, String name, Access access) {
        return device.isPresent()
                ? node.register(name, layout, placement, blocks, access, device.get())
                : node.register(name, layout, placement, blocks, access);
    }

    /** {@return the device that the memory is of; empty for the host} */
    public Optional<DeviceMemory> device() {
        return device;
    }

    private static PagedKv pagedOver(
            LlamaConfig config, CacheShape shape, List<LayerPlacement> placement, int blocks) {
        KvGeometry geometry =
                config.kvGeometry(blocks, shape.tokensPerBlock(), shape.elementType());
        var layout = shape.layout(config);
        // Every layer lies alike in its own segment, so the first one's offsets are those of all.
        var first = placement.getFirst();
        var strides =
                new KvStrides(
                        first.keyOffset(),
                        first.valueOffset(),
                        first.blockStride(),
                        layout.tokenStride(),
                        layout.headStride());
        List<MemorySegment> keys = placement.stream().map(LayerPlacement::key).toList();
        List<MemorySegment> values = placement.stream().map(LayerPlacement::value).toList();
        return PagedKv.over(geometry, strides, keys, values);
    }

    /** {@return how its blocks look} */
    public KvLayout layout() {
        return layout;
    }

    /** {@return the blocks that it holds} */
    public int blocks() {
        return blocks;
    }

    /** {@return where each layer lies} */
    public List<LayerPlacement> placement() {
        return placement;
    }

    /** {@return the same memory as the model sees it} */
    public PagedKv paged() {
        return paged;
    }

    /** Frees the memory. */
    @Override
    public void close() {
        freeing.run();
    }
}
