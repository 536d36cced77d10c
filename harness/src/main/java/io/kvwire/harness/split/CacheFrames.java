package io.kvwire.harness.split;

import io.kvwire.transport.BlockRuns;
import io.kvwire.transport.BlockTable;
import io.kvwire.transport.LayoutPlan;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.KvCodec;
import io.kvwire.transport.spi.SingleRun;
import io.kvwire.transport.spi.Slab;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The first tokens of a request's cache as frames of a codec, from where they lie or to there; by
 * way of staging where that is memory of a device. Owns the staging and room for one frame.
 * Confined to one thread.
 */
final class CacheFrames implements AutoCloseable {
    /** What one frame holds at most of K and V, unless a single block is more. */
    private static final long RAW_BYTES = 4L << 20;

    private final CacheMemory memory;
    private final BlockTable table;
    private final KvCodec codec;
    private final Optional<DeviceMemory> device;
    private final List<Slab> slabs;
    private final BlockRuns runs = new BlockRuns();
    private final SingleRun staged = new SingleRun();
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment room;
    private final MemorySegment staging;

    CacheFrames(CacheMemory memory, BlockTable table, long requestId, int tokens, KvCodec codec) {
        this.memory = memory;
        this.table = table;
        this.codec = codec;
        device = memory.device().filter(kind -> !kind.hostAccessible());
        slabs = slabs(memory, requestId, tokens);
        room = arena.allocate(slabs.stream().mapToLong(codec::maxFrameBytes).max().orElse(0), 64);
        long largest = slabs.stream().mapToLong(Slab::rawBytes).max().orElse(0);
        staging = device.isPresent() ? arena.allocate(largest, 64) : MemorySegment.NULL;
    }

    /** Layer by layer, tokens in order, cut at the bounds of blocks. */
    private static List<Slab> slabs(CacheMemory memory, long requestId, int tokens) {
        var layout = memory.layout();
        int block = layout.tokensPerBlock();
        int most = (int) Math.max(1, RAW_BYTES / layout.blockBytes()) * block;
        int ofLayer = Math.ceilDiv(tokens, most);
        int frames = ofLayer * layout.layers();
        var slabs = new ArrayList<Slab>(frames);
        for (int frame = 0; frame < frames; frame++) {
            int first = frame % ofLayer * most;
            var range = new TokenRange(first, Math.min(most, tokens - first));
            var id = new Slab.Id(requestId, requestId, 0, frame, frames);
            int layer = frame / ofLayer;
            slabs.add(new Slab(id, layout, layer, range, layout.firstHead(), layout.heads()));
        }
        return slabs;
    }

    /** {@return what each frame holds, in the order of the frames} */
    List<Slab> slabs() {
        return slabs;
    }

    /** {@return room for any of the frames} */
    MemorySegment room() {
        return room;
    }

    /** Makes the frame of a slab in {@link #room}; returns its bytes. */
    long encode(Slab slab) {
        if (device.isEmpty()) {
            return codec.encode(slab, start(slab), room);
        }
        device.get().gather(start(slab), staging);
        return codec.encode(slab, staged.start(staging, 0, slab.rawBytes()), room);
    }

    /** Brings the frame of a slab, the first bytes of {@link #room}, to where it belongs. */
    void decode(Slab slab, long bytes) {
        var frame = room.asSlice(0, bytes);
        if (device.isEmpty()) {
            codec.decode(frame, slab, start(slab));
            return;
        }
        codec.decode(frame, slab, staged.start(staging, 0, slab.rawBytes()));
        device.get().scatter(staging, start(slab));
    }

    private BlockRuns start(Slab slab) {
        var plan = LayoutPlan.between(memory.layout(), memory.layout());
        var origin = BlockRuns.Origin.of(memory.placement().get(slab.layer()), memory.blocks());
        runs.start(plan, memory.layout(), table, origin, slab.tokens());
        return runs;
    }

    @Override
    public void close() {
        arena.close();
    }
}
