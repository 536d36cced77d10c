package io.kvwire.harness.bench.worker;

import io.kvwire.harness.bench.Figures;
import io.kvwire.harness.bench.Point;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32C;

/**
 * The old way, in one process: a request's blocks into a file under a checksum, and out of it into
 * the target's blocks, as the harness does with {@code --mode file}. Confined to one thread.
 */
final class FileEnds implements AutoCloseable {
    private static final int BATCH = 1024;

    private final Path file;
    private Point current;
    private BenchCache source;
    private BenchCache target;

    FileEnds(Path folder) {
        file = folder.resolve("kvwire-request");
    }

    Figures measure(Point point, double seconds) {
        try {
            prepare(point);
            repeat(point, seconds / 4);
            target.poison();
            var cost = ProcessCost.mark();
            var times = repeat(point, seconds);
            var used = cost.used();
            Arrays.sort(times);
            double took = Arrays.stream(times).sum() / 1e9;
            return new Figures(
                    times.length * point.requestBytes(),
                    times.length,
                    took,
                    times[times.length / 2] / 1e3,
                    times[(int) (times.length * 99L / 100)] / 1e3,
                    used.cpuNanos() / 1e9,
                    used.peakBytes(),
                    target.verify(times.length, true),
                    "both ends in one process",
                    Map.of());
        } catch (IOException e) {
            throw new UncheckedIOException(file + ": " + e.getMessage(), e);
        }
    }

    private void prepare(Point point) {
        if (!point.equals(current)) {
            close();
            source = new BenchCache(point, true, "file");
            source.fill();
            target = new BenchCache(point, false, "file");
            current = point;
        }
    }

    private long[] repeat(Point point, double seconds) throws IOException {
        var times = new ArrayList<Long>();
        long end = System.nanoTime() + (long) (seconds * TimeUnit.SECONDS.toNanos(1));
        do {
            int request = times.size() % point.requests();
            long before = System.nanoTime();
            long sum = save(parts(source, point, request));
            if (load(parts(target, point, request)) != sum) {
                throw new IOException(
                        "the checksum of what was read is not that of what was written");
            }
            times.add(System.nanoTime() - before);
        } while (System.nanoTime() < end);
        return times.stream().mapToLong(Long::longValue).toArray();
    }

    private long save(List<ByteBuffer> parts) throws IOException {
        var sum = new CRC32C();
        try (var out =
                FileChannel.open(
                        file,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.TRUNCATE_EXISTING,
                        StandardOpenOption.WRITE)) {
            parts.forEach(part -> sum.update(part.duplicate()));
            for (var batch : batches(parts)) {
                while (batch[batch.length - 1].hasRemaining()) {
                    out.write(batch);
                }
            }
        }
        return sum.getValue();
    }

    private long load(List<ByteBuffer> parts) throws IOException {
        var sum = new CRC32C();
        try (var in = FileChannel.open(file, StandardOpenOption.READ)) {
            var landed = parts.stream().map(ByteBuffer::duplicate).toList();
            for (var batch : batches(parts)) {
                while (batch[batch.length - 1].hasRemaining()) {
                    if (in.read(batch) < 0) {
                        throw new IOException("it ends too early");
                    }
                }
            }
            landed.forEach(sum::update);
        }
        return sum.getValue();
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

    /**
     * The parts of a request in order of layers, K before V, tokens: pieces of the smaller block,
     * so that ends with different blocks agree.
     */
    private static List<ByteBuffer> parts(BenchCache cache, Point point, int request) {
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

    @Override
    public void close() {
        current = null;
        if (source != null) {
            source.close();
            source = null;
        }
        if (target != null) {
            target.close();
            target = null;
        }
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            file.toFile().deleteOnExit();
        }
    }
}
