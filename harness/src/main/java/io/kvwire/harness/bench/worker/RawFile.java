package io.kvwire.harness.bench.worker;

import io.kvwire.harness.bench.Point;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * Blocks as they are, under one checksum: pieces of the smaller block in order of layers, K before
 * V, tokens, so that ends with different blocks agree.
 */
final class RawFile implements FileForm {
    private static final int BATCH = 1024;

    private final Point point;
    private final BenchCache source;
    private final BenchCache target;
    private long written;

    RawFile(Point point, BenchCache source, BenchCache target) {
        this.point = point;
        this.source = source;
        this.target = target;
    }

    @Override
    public void save(FileChannel out, int request) throws IOException {
        var sum = new CRC32C();
        var parts = parts(source, request);
        parts.forEach(part -> sum.update(part.duplicate()));
        for (var batch : batches(parts)) {
            while (batch[batch.length - 1].hasRemaining()) {
                out.write(batch);
            }
        }
        written = sum.getValue();
    }

    @Override
    public void load(FileChannel in, int request) throws IOException {
        var sum = new CRC32C();
        var parts = parts(target, request);
        var landed = parts.stream().map(ByteBuffer::duplicate).toList();
        for (var batch : batches(parts)) {
            while (batch[batch.length - 1].hasRemaining()) {
                if (in.read(batch) < 0) {
                    throw new IOException("it ends too early");
                }
            }
        }
        landed.forEach(sum::update);
        if (sum.getValue() != written) {
            throw new IOException("the checksum of what was read is not that of what was written");
        }
    }

    /** What one call moves: the kernel takes no more buffers at a time. */
    private static List<ByteBuffer[]> batches(List<ByteBuffer> parts) {
        var batches = new ArrayList<ByteBuffer[]>();
        for (int i = 0; i < parts.size(); i += BATCH) {
            int end = Math.min(parts.size(), i + BATCH);
            batches.add(parts.subList(i, end).toArray(ByteBuffer[]::new));
        }
        return batches;
    }

    private List<ByteBuffer> parts(BenchCache cache, int request) {
        int piece = Math.min(point.sourceTokensPerBlock(), point.targetTokensPerBlock());
        int tokensPerBlock = cache.layout().tokensPerBlock();
        int[] order = cache.order();
        int first = request * cache.blocksPerRequest();
        var parts = new ArrayList<ByteBuffer>();
        for (var layer : cache.placement()) {
            for (int part = 0; part < point.parts(); part++) {
                var memory = part == 0 ? layer.key() : layer.value();
                long base = part == 0 ? layer.keyOffset() : layer.valueOffset();
                for (int token = 0; token < point.tokens(); token += piece) {
                    int block = order[first + token / tokensPerBlock];
                    long offset =
                            base
                                    + block * layer.blockStride()
                                    + token % tokensPerBlock * point.rowBytes();
                    parts.add(memory.asSlice(offset, point.pieceBytes()).asByteBuffer());
                }
            }
        }
        return parts;
    }
}
