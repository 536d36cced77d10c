package io.kvwire.harness.kernels;

import io.kvwire.ffi.kernels.LlamaCache;
import io.kvwire.harness.model.LlamaConfig;
import io.kvwire.harness.model.PagedKv;

import java.lang.foreign.MemorySegment;

/**
 * What a layer does with the paged cache on the device: rows of keys and values go in, and queries
 * attend to them. Owns nothing; confined to the thread of its queue.
 */
final class PagedAttention<B> {
    private final KernelQueue<B> queue;
    private final LlamaConfig config;
    private final Kernels<B> kernels;
    private final Activations<B> scratch;

    /** A sequence on the device: the cache that it is in, and its block table. */
    record Place<B>(PagedKv cache, B table) {}

    PagedAttention(
            KernelQueue<B> queue, LlamaConfig config, Kernels<B> kernels, Activations<B> scratch) {
        this.queue = queue;
        this.config = config;
        this.kernels = kernels;
        this.scratch = scratch;
    }

    /** Stores the keys and values of a layer's rows in the cache. */
    void store(Place<B> place, int layer, int position, int rows) {
        int first = config.queryDim();
        store(first, rows, place, keys(place.cache(), layer), position);
        store(first + config.kvDim(), rows, place, values(place.cache(), layer), position);
    }

    private void store(int from, int rows, Place<B> place, Part<B> part, int position) {
        kernels.store
                .with(scratch.queryKeyValue)
                .with(scratch.qkvStride())
                .with(from)
                .with(rows)
                .with(part.shape())
                .with(part.buffer())
                .with(place.table())
                .with(position)
                .overThreads((long) rows * config.kvDim());
    }

    /** The keys or the values of a layer: how they lie in which buffer. */
    private record Part<B>(LlamaCache shape, B buffer) {}

    private Part<B> keys(PagedKv cache, int layer) {
        return part(cache, cache.keys(layer), cache.strides().key());
    }

    private Part<B> values(PagedKv cache, int layer) {
        return part(cache, cache.values(layer), cache.strides().value());
    }

    private Part<B> part(PagedKv cache, MemorySegment memory, long start) {
        var place = queue.find(memory);
        var geometry = cache.geometry();
        var strides = cache.strides();
        var shape =
                new LlamaCache(
                        place.offset() + start,
                        strides.block(),
                        strides.token(),
                        strides.head(),
                        geometry.tokensPerBlock(),
                        geometry.kvHeads(),
                        geometry.headDim(),
                        switch (geometry.type()) {
                            case FP32 -> 0;
                            case FP16 -> 1;
                            case BF16 -> 2;
                        });
        return new Part<>(shape, place.buffer());
    }

    /** Attends from a layer's rows to all that the cache then holds of the sequence. */
    void attend(Place<B> place, int layer, int position, int rows) {
        int context = position + rows;
        int together = scratch.attendingRows(rows, context);
        var scores = scratch.scores(together, context);
        for (int first = 0; first < rows; first += together) {
            attend(place, layer, position, first, Math.min(together, rows - first), scores);
        }
    }

    // Six parameters: what differs between the rows that attend together.
    private void attend(Place<B> place, int layer, int position, int first, int rows, B scores) {
        var keys = keys(place.cache(), layer);
        var values = values(place.cache(), layer);
        int context = position + first + rows;
        int heads = config.heads();
        long pairs = (long) rows * heads;
        kernels.scores
                .with(scratch.queryKeyValue)
                .with(scratch.qkvStride())
                .with(first)
                .with(rows)
                .with(heads)
                .with(keys.shape())
                .with(keys.buffer())
                .with(place.table())
                .with(position)
                .with(context)
                .with((float) (1 / Math.sqrt(config.headDim())))
                .with(scores)
                .overThreads(pairs * kernels.strips(context));
        kernels.softmax
                .with(scores)
                .with(first)
                .with(rows)
                .with(heads)
                .with(position)
                .with(context)
                .with(scratch.inverses)
                .overTeams(pairs);
        kernels.weigh
                .with(scores)
                .with(scratch.inverses)
                .with(first)
                .with(rows)
                .with(heads)
                .with(values.shape())
                .with(values.buffer())
                .with(place.table())
                .with(position)
                .with(context)
                .with(scratch.attended)
                .with(config.queryDim())
                .overThreads(pairs * kernels.strips(config.headDim()));
    }
}
