package io.kvwire.harness.quality;

import io.kvwire.harness.split.CacheMemory;
import io.kvwire.transport.BlockRuns;
import io.kvwire.transport.LayoutPlan;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.spi.KvCodec;
import io.kvwire.transport.spi.KvCodecProvider;
import io.kvwire.transport.spi.KvModel;
import io.kvwire.transport.spi.Slab;

import java.lang.foreign.Arena;

/** Copies tokens of one cache to another as frames, as a wire does, but in one process. */
final class FrameCopy {
    /** Tokens of one frame. */
    static final int FRAME_TOKENS = 64;

    private final KvCodec encoder;
    private final KvCodec decoder;
    private final BlockRuns runs = new BlockRuns();
    private long rawBytes;
    private long frameBytes;

    /**
     * Makes a copier for one thread.
     *
     * @param choice the codec; the receiving side learns no options, as on a wire
     */
    FrameCopy(CodecChoice choice) {
        encoder = KvCodecProvider.create(choice.text(), KvModel.UNKNOWN);
        decoder = KvCodecProvider.create(choice.codec(), KvModel.UNKNOWN);
    }

    /** Copies the first tokens of a sequence that lies in the same blocks of two like caches. */
    void copy(CacheMemory source, CacheMemory target, int[] blocks, int tokens) {
        var layout = target.layout();
        int frames = Math.ceilDiv(tokens, FRAME_TOKENS);
        int chunks = frames * layout.layers();
        for (int chunk = 0; chunk < chunks; chunk++) {
            int first = chunk % frames * FRAME_TOKENS;
            var range = new TokenRange(first, Math.min(FRAME_TOKENS, tokens - first));
            var id = new Slab.Id(1, 1, 0, chunk, chunks);
            int layer = chunk / frames;
            copy(
                    new Slab(id, layout, layer, range, layout.firstHead(), layout.heads()),
                    source,
                    target,
                    blocks);
        }
    }

    private void copy(Slab slab, CacheMemory source, CacheMemory target, int[] blocks) {
        var plan = LayoutPlan.between(source.layout(), target.layout());
        try (var arena = Arena.ofConfined()) {
            var frame = arena.allocate(encoder.maxFrameBytes(slab), 64);
            start(plan, slab, source, blocks);
            long bytes = encoder.encode(slab, runs, frame);
            start(plan, slab, target, blocks);
            decoder.decode(frame.asSlice(0, bytes), slab, runs);
            rawBytes += slab.rawBytes();
            frameBytes += bytes;
        }
    }

    private void start(LayoutPlan plan, Slab slab, CacheMemory memory, int... blocks) {
        var origin = BlockRuns.Origin.of(memory.placement().get(slab.layer()), memory.blocks());
        runs.start(plan, memory.layout(), blocks, origin, slab.tokens());
    }

    /** {@return bytes of all slabs over bytes of all frames, headers included} */
    double ratio() {
        return (double) rawBytes / frameBytes;
    }
}
