package io.kvwire.harness.bench.worker;

import io.kvwire.harness.bench.Point;
import io.kvwire.transport.BlockRuns;
import io.kvwire.transport.LayoutPlan;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.spi.KvCodec;
import io.kvwire.transport.spi.KvCodecProvider;
import io.kvwire.transport.spi.KvModel;
import io.kvwire.transport.spi.Slab;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Frames of a codec, one for each layer and so many tokens, with its length before each. A frame
 * has a checksum of its own. Owns one frame's memory.
 */
final class CodedFile implements FileForm {
    private static final long SLAB_BYTES = 1 << 20;
    private static final long ALIGNMENT = 64;

    private final BenchCache source;
    private final BenchCache target;
    private final LayoutPlan plan;
    private final KvCodec codec;
    private final List<Slab> slabs = new ArrayList<>();
    private final BlockRuns runs = new BlockRuns();
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment length;
    private final MemorySegment frame;

    CodedFile(String codec, Point point, BenchCache source, BenchCache target) {
        this.source = source;
        this.target = target;
        plan = LayoutPlan.between(source.layout(), target.layout());
        this.codec = KvCodecProvider.create(codec, KvModel.UNKNOWN);
        cut(point);
        long largest = slabs.stream().mapToLong(this.codec::maxFrameBytes).max().orElseThrow();
        frame = arena.allocate(largest, ALIGNMENT);
        length = arena.allocate(ValueLayout.JAVA_LONG);
    }

    /** Whole blocks of the target, as many as go into one slab. */
    private void cut(Point point) {
        long tokenBytes = plan.tokenBytes();
        int block = point.targetTokensPerBlock();
        int step = (int) Math.max(1, SLAB_BYTES / (tokenBytes * block)) * block;
        int perLayer = (point.tokens() + step - 1) / step;
        int chunks = perLayer * point.layers();
        for (int layer = 0; layer < point.layers(); layer++) {
            for (int first = 0; first < point.tokens(); first += step) {
                var id = new Slab.Id(1, 1, 0, slabs.size(), chunks);
                var tokens = new TokenRange(first, Math.min(step, point.tokens() - first));
                slabs.add(new Slab(id, target.layout(), layer, tokens, 0, plan.heads()));
            }
        }
    }

    @Override
    public void save(FileChannel out, int request) throws IOException {
        int[] blocks = blocks(source, request);
        for (var slab : slabs) {
            walk(source, blocks, slab);
            long bytes = codec.encode(slab, runs, frame);
            length.set(ValueLayout.JAVA_LONG, 0, bytes);
            FileForm.writeAll(out, length.asByteBuffer());
            FileForm.writeAll(out, frame.asSlice(0, bytes).asByteBuffer());
        }
    }

    @Override
    public void load(FileChannel in, int request) throws IOException {
        int[] blocks = blocks(target, request);
        for (var slab : slabs) {
            FileForm.readAll(in, length.asByteBuffer());
            long bytes = length.get(ValueLayout.JAVA_LONG, 0);
            if (bytes < 1 || bytes > frame.byteSize()) {
                throw new IOException("a frame of " + bytes + " bytes");
            }
            var read = frame.asSlice(0, bytes);
            FileForm.readAll(in, read.asByteBuffer());
            walk(target, blocks, slab);
            codec.decode(read, slab, runs);
        }
    }

    private void walk(BenchCache cache, int[] blocks, Slab slab) {
        var layer = cache.placement().get(slab.layer());
        var origin = BlockRuns.Origin.of(layer, cache.order().length);
        runs.start(plan, cache.layout(), blocks, origin, slab.tokens());
    }

    private static int[] blocks(BenchCache cache, int request) {
        int count = cache.blocksPerRequest();
        return Arrays.copyOfRange(cache.order(), request * count, (request + 1) * count);
    }

    @Override
    public void close() {
        arena.close();
    }
}
