package io.kvwire.transport.core;

import io.kvwire.transport.BlockTable;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvView;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.RemoteCache;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.GrantedMemory;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;

/** A view that the application has. */
final class OpenView implements KvView {
    /** A lease is renewed so often while it lasts, that a late renewal or two do no harm. */
    private static final int RENEWALS = 3;

    private static final long SHORTEST_NANOS = 1_000_000;

    private final Views views;
    private final long id;
    private final RemoteCache cache;
    private final BlockTable blocks;
    private final List<LayerPlacement> layers;
    private final GrantedMemory memory;
    private final long partBytes;
    private final CompletableFuture<TransferException> ended = new CompletableFuture<>();

    OpenView(
            Views views,
            long id,
            RemoteCache cache,
            BlockTable blocks,
            List<LayerPlacement> layers,
            GrantedMemory memory) {
        this.views = views;
        this.id = id;
        this.cache = cache;
        this.blocks = blocks;
        this.layers = layers;
        this.memory = memory;
        partBytes = cache.layout().partBytes();
        if (layers.size() != cache.layout().layers()) {
            throw MessageReader.malformed("a view of " + layers.size() + " layers");
        }
        layers.forEach(this::check);
    }

    /** What the owner says of its memory is not to be trusted. */
    private void check(LayerPlacement layer) {
        fits(layer.key(), layer.keyOffset(), layer.blockStride());
        if (cache.layout().form() != KvForm.LATENT) {
            fits(layer.value(), layer.valueOffset(), layer.blockStride());
        }
    }

    private void fits(MemorySegment shown, long offset, long stride) {
        if (!MemoryRegion.inside(shown.byteSize(), offset, stride, partBytes, cache.blocks())) {
            throw MessageReader.malformed("a view past the end of what is shown");
        }
    }

    /** Renews the lease again and again, as long as the view is valid. */
    void renew(Session session, long leaseId, long leaseNanos) {
        var _ =
                session.node()
                        .after(
                                Math.max(SHORTEST_NANOS, leaseNanos / RENEWALS),
                                () -> {
                                    if (!ended.isDone()) {
                                        var _ = session.renewLease(leaseId, leaseNanos);
                                        renew(session, leaseId, leaseNanos);
                                    }
                                });
    }

    @Override
    public RemoteCache cache() {
        return cache;
    }

    @Override
    public BlockTable blocks() {
        return blocks;
    }

    @Override
    public MemorySegment key(int layer, int position) {
        var place = layers.get(layer);
        return part(place, place.key(), place.keyOffset(), position);
    }

    @Override
    public MemorySegment value(int layer, int position) {
        if (cache.layout().form() == KvForm.LATENT) {
            throw new UnsupportedOperationException(
                    "cache '" + cache.name() + "' holds latents: there is no V beside them");
        }
        var place = layers.get(layer);
        return part(place, place.value(), place.valueOffset(), position);
    }

    private MemorySegment part(
            LayerPlacement place, MemorySegment shown, long offset, int position) {
        int block = blocks.id(Objects.checkIndex(position, blocks.size()));
        return shown.asSlice(offset + block * place.blockStride(), partBytes);
    }

    @Override
    public boolean valid() {
        return memory.current() && !ended.isDone();
    }

    @Override
    public CompletableFuture<TransferException> ended() {
        return ended.copy();
    }

    void end(TransferException reason) {
        ended.complete(reason);
    }

    @Override
    public void close() {
        memory.close();
        views.closed(id);
        end(new TransferException(ErrorCode.CLOSED, "the view was closed here"));
    }

    @Override
    public String toString() {
        return "view of " + blocks + " in " + cache.name();
    }
}
