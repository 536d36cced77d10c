package io.kvwire.harness.bench.worker;

import io.kvwire.harness.bench.Figures;
import io.kvwire.harness.bench.Point;
import io.kvwire.harness.perf.WarmUp;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The old way, in one process: a request's blocks into a file, as they are or encoded, and out of
 * it into the target's blocks, as the harness does with {@code --mode file}. Confined to one
 * thread.
 */
final class FileEnds implements AutoCloseable {
    private static final String RAW = "raw";

    private final Path file;
    private final String codec;
    private final FirstTurns turns = new FirstTurns();
    private Point current;
    private BenchCache source;
    private BenchCache target;
    private FileForm form;

    FileEnds(Path folder, String codec) {
        this.codec = codec;
        file = folder.resolve("kvwire-request-" + codec);
    }

    Figures measure(Point point, double seconds) {
        try {
            prepare(point);
            turns.warmUp(point, seconds, slice -> warmUp(point, slice), WarmUp::compilerMillis);
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
                    target.verify(times.length, codec.equals(RAW)),
                    "both ends in one process",
                    Map.of());
        } catch (IOException e) {
            throw unusable(e);
        }
    }

    private UncheckedIOException unusable(IOException e) {
        return new UncheckedIOException(file + ": " + e.getMessage(), e);
    }

    private void warmUp(Point point, double seconds) {
        try {
            repeat(point, seconds);
        } catch (IOException e) {
            throw unusable(e);
        }
    }

    private void prepare(Point point) {
        if (!point.equals(current)) {
            close();
            source = new BenchCache(point, true, "file");
            source.fill();
            target = new BenchCache(point, false, "file");
            form =
                    codec.equals(RAW)
                            ? new RawFile(point, source, target)
                            : new CodedFile(codec, point, source, target);
            current = point;
        }
    }

    private long[] repeat(Point point, double seconds) throws IOException {
        var times = new ArrayList<Long>();
        long end = System.nanoTime() + (long) (seconds * TimeUnit.SECONDS.toNanos(1));
        do {
            int request = times.size() % point.requests();
            long before = System.nanoTime();
            once(request);
            times.add(System.nanoTime() - before);
        } while (System.nanoTime() < end);
        return times.stream().mapToLong(Long::longValue).toArray();
    }

    private void once(int request) throws IOException {
        try (var out =
                FileChannel.open(
                        file,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.TRUNCATE_EXISTING,
                        StandardOpenOption.WRITE)) {
            form.save(out, request);
        }
        try (var in = FileChannel.open(file, StandardOpenOption.READ)) {
            form.load(in, request);
        }
    }

    @Override
    public void close() {
        current = null;
        if (form != null) {
            form.close();
            form = null;
        }
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
