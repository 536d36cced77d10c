package io.kvwire.harness.split;

import io.kvwire.harness.model.KvGeometry;
import io.kvwire.harness.model.KvStrides;
import io.kvwire.harness.model.LlamaConfig;
import io.kvwire.harness.model.PagedKv;
import io.kvwire.pcie.SharedArena;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.LayerPlacement;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
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

    private final Arena arena;
    private final KvLayout layout;
    private final int blocks;
    private final List<LayerPlacement> placement;
    private final PagedKv paged;

    private CacheMemory(Arena arena, LlamaConfig config, CacheShape shape, int blocks) {
        this.arena = arena;
        this.blocks = blocks;
        layout = shape.layout(config);
        var segments =
                IntStream.range(0, layout.layers())
                        .mapToObj(l -> arena.allocate(blocks * layout.blockBytes(), ALIGNMENT))
                        .toList();
        placement = segments.stream().map(s -> LayerPlacement.dense(layout, s, blocks)).toList();
        paged = pagedOver(config, shape, placement, blocks);
    }

    /**
     * Allocates a cache, filled with zeros.
     *
     * @param config the model's sizes
     * @param shape how blocks look
     * @param tokens the least number of tokens to hold
     * @return the memory
     */
    public static CacheMemory allocate(LlamaConfig config, CacheShape shape, int tokens) {
        int blocks = Math.ceilDiv(tokens, shape.tokensPerBlock());
        var arena = SharedArena.openOrPrivate();
        try {
            return new CacheMemory(arena, config, shape, blocks);
        } catch (RuntimeException | Error e) {
            arena.close();
            throw e;
        }
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
        arena.close();
    }
}
