package io.kvwire.pcie.cuda;

import io.kvwire.ffi.cuda.AddressRange;
import io.kvwire.ffi.cuda.Context;
import io.kvwire.ffi.cuda.CudaLibrary;
import io.kvwire.ffi.cuda.Int8Rows;
import io.kvwire.ffi.cuda.RowMover;
import io.kvwire.ffi.cuda.Stream;
import io.kvwire.ffi.kernels.KvRows;
import io.kvwire.pcie.Runs;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.spi.Slab;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * What the device path reaches beside its limit in the same run; prints one JSON object. Started by
 * {@code benchmarks/gpu/run.py} on a machine with a GPU.
 *
 * <p>Arguments: bytes of the cache, bytes that are moved, rounds. A figure is the median of its
 * rounds.
 */
public final class GpuMeasurements implements AutoCloseable {
    private static final int TOKENS_PER_BLOCK = 16;
    private static final int DESCRIPTORS = 30_000;
    private static final int DESCRIPTOR_BYTES = 4096;
    private static final int LAYERS = 32;

    private final long cacheBytes;
    private final long movedBytes;
    private final int rounds;
    private final Context context = Context.of(CudaLibrary.device(0));
    private final CudaMemory memory = new CudaMemory("cuda:0", context);
    private final Stream stream = context.stream();
    private final MemorySegment cache;
    private final MemorySegment dense;
    private final Map<String, Object> results = new LinkedHashMap<>();

    GpuMeasurements(long cacheBytes, long movedBytes, int rounds) {
        this.cacheBytes = cacheBytes;
        this.movedBytes = movedBytes;
        this.rounds = rounds;
        cache = memory.allocate(cacheBytes, 256);
        dense = memory.allocate(movedBytes, 256);
    }

    /**
     * Measures.
     *
     * @param args bytes of the cache, bytes that are moved, rounds
     */
    public static void main(String[] args) throws Exception {
        try (var measurements =
                new GpuMeasurements(
                        Long.parseLong(args[0]),
                        Long.parseLong(args[1]),
                        Integer.parseInt(args[2]))) {
            System.out.println(json(measurements.run()));
        }
    }

    Map<String, Object> run() throws IOException, InterruptedException {
        var device = context.device();
        results.put("device", device.name());
        results.put("computeCapability", device.computeCapability() / 10.0);
        results.put("driverCuda", CudaLibrary.version());
        results.put("cacheBytes", cacheBytes);
        results.put("movedBytes", movedBytes);
        results.put("rounds", rounds);
        double copy = rate("copy on the device", this::plainCopy);
        blocks(copy);
        host();
        descriptors();
        betweenProcesses(copy);
        overlap();
        return results;
    }

    private long plainCopy() {
        return onDevice(() -> stream.copy(cache.address(), dense.address(), movedBytes));
    }

    /** Nanoseconds of the device between two events around some work. */
    private long onDevice(Runnable work) {
        try (var start = context.timedEvent();
                var end = context.timedEvent()) {
            stream.record(start);
            work.run();
            stream.record(end);
            end.await();
            return Math.max(1, end.nanosSince(start));
        }
    }

    private interface Timed {
        long nanos();
    }

    private double rate(String name, Timed timed) {
        return rate(name, movedBytes, timed);
    }

    private double rate(String name, long bytes, Timed timed) {
        double rate = bytes / (double) medianNanos(timed);
        results.put(name + ", GB/s", rate);
        return rate;
    }

    private long medianNanos(Timed timed) {
        timed.nanos();
        long[] nanos = new long[rounds];
        for (int i = 0; i < rounds; i++) {
            nanos[i] = timed.nanos();
        }
        Arrays.sort(nanos);
        return nanos[rounds / 2];
    }

    private static long onHost(Runnable work) {
        long start = System.nanoTime();
        work.run();
        return Math.max(1, System.nanoTime() - start);
    }

    /** Blocks in an order of chance, by one launch, beside a plain copy of as many bytes. */
    private void blocks(double copy) {
        var layout =
                KvLayout.builder()
                        .layers(1)
                        .kvHeads(8)
                        .headDim(128)
                        .tokensPerBlock(TOKENS_PER_BLOCK)
                        .build();
        int blocks = (int) (cacheBytes / layout.blockBytes());
        int moved = (int) (movedBytes / layout.blockBytes());
        int[] table = shuffled(blocks);
        var tokens = new TokenRange(0, moved * TOKENS_PER_BLOCK);
        var slab = new Slab(new Slab.Id(1, 1, 1, 0, 1), layout, 0, tokens, 0, 8);
        var rows =
                new KvRows(slab, layout, LayerPlacement.dense(layout, MemorySegment.NULL, blocks));
        var all = new AddressRange(cache.address(), cacheBytes);
        var flat = new AddressRange(dense.address(), movedBytes);
        long bytes = moved * layout.blockBytes();
        try (var mover = new RowMover(context, stream);
                var paged = mover.paged(rows, all, all, table);
                var codes = context.allocate(bytes / 2);
                var scales = context.allocate(4L * rows.count());
                var unscaled = context.allocate(4)) {
            double gather =
                    rate(
                            "gather of blocks",
                            bytes,
                            () -> onDevice(() -> mover.gather(paged, flat)));
            double scatter =
                    rate(
                            "scatter of blocks",
                            bytes,
                            () -> onDevice(() -> mover.scatter(flat, paged)));
            target("gather against a copy", gather / copy, ">=", 0.85);
            target("scatter against a copy", scatter / copy, ">=", 0.85);
            var int8 = new Int8Rows(codes.range(), scales.range(), unscaled.range());
            // A copy reads and writes each byte; coding writes half of them, and scales.
            double traffic = (bytes + bytes / 2 + 4.0 * rows.count()) / bytes;
            double quantise =
                    rate(
                            "quantise and gather",
                            bytes,
                            () -> onDevice(() -> mover.quantise(paged, int8)));
            double dequantise =
                    rate(
                            "dequantise and scatter",
                            bytes,
                            () -> onDevice(() -> mover.dequantise(int8, paged)));
            target(
                    "quantise against the memory's rate",
                    quantise * traffic / (2 * copy),
                    ">=",
                    0.8);
            target(
                    "dequantise against the memory's rate",
                    dequantise * traffic / (2 * copy),
                    "",
                    0);
        }
    }

    private static int[] shuffled(int count) {
        int[] order = IntStream.range(0, count).toArray();
        var random = new Random(1);
        for (int i = count - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            int swapped = order[i];
            order[i] = order[j];
            order[j] = swapped;
        }
        return order;
    }

    private Runs scattered(MemorySegment of, int runBytes, long bytes) {
        var runs = new Runs();
        int[] order = shuffled((int) (of.byteSize() / runBytes));
        for (int i = 0; i < bytes / runBytes; i++) {
            runs.add(of, (long) order[i] * runBytes, runBytes);
        }
        return runs;
    }

    /** The device to page-locked memory of the host, and back. */
    private void host() {
        int block = 32 << 10;
        try (var pinned = context.allocatePinned(movedBytes)) {
            var runs = scattered(cache, block, movedBytes);
            var whole = pinned.memory();
            double out =
                    rate(
                            "plain copy to the host",
                            () -> onDevice(() -> stream.copyToHost(cache.address(), whole)));
            double in =
                    rate(
                            "plain copy from the host",
                            () -> onDevice(() -> stream.copyToDevice(whole, cache.address())));
            double gather =
                    rate(
                            "blocks to the host",
                            () -> onHost(() -> memory.gather(runs.again(), whole)));
            double scatter =
                    rate(
                            "blocks from the host",
                            () -> onHost(() -> memory.scatter(whole, runs.again())));
            target("blocks to the host against a plain copy", gather / out, ">=", 0.95);
            target("blocks from the host against a plain copy", scatter / in, ">=", 0.95);
        }
    }

    /** Host time from the list to the end of the copy. */
    private void descriptors() {
        long bytes = Math.min(movedBytes, (long) DESCRIPTORS * DESCRIPTOR_BYTES);
        var runs = scattered(cache, DESCRIPTOR_BYTES, bytes);
        long nanos =
                medianNanos(() ->
                        onHost(() -> memory.copy(runs.again(), new Runs().add(dense, 0, bytes))));
        results.put("scattered descriptors", bytes / DESCRIPTOR_BYTES);
        target("descriptors posted and done, ms", nanos / 1e6, "<=", 1.0);
    }

    /** Another process pulls what this one exported. */
    private void betweenProcesses(double copy) throws IOException, InterruptedException {
        var region = ExportedRegion.of(memory, cache.asSlice(0, movedBytes));
        var command =
                List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        TestDriver.option(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        GpuPull.class.getName(),
                        HexFormat.of().formatHex(region.encode()),
                        Integer.toString(rounds));
        var process =
                new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IllegalStateException("the other process failed: " + output);
        }
        double pull = movedBytes / Double.parseDouble(output.strip());
        results.put("pull by another process, GB/s", pull);
        target("pull by another process against a copy", pull / copy, ">=", 0.85);
    }

    /** Work of layers, alone and with each layer sent to the host as it is ready. */
    private void overlap() {
        long layerBytes = cacheBytes / LAYERS;
        long sentBytes = Math.min(layerBytes, movedBytes) / 8;
        try (var pinned = context.allocatePinned(sentBytes)) {
            long alone = medianNanos(() -> onDevice(() -> layers(layerBytes, layer -> {})));
            IntConsumer send =
                    layer -> {
                        var runs = new Runs().add(cache, layer * layerBytes, sentBytes);
                        memory.gather(runs, pinned.memory());
                    };
            long sending =
                    medianNanos(() -> onHost(() -> IntStream.range(0, LAYERS).forEach(send)));
            var failures = new AtomicInteger();
            var left = new ArrayList<Long>();
            try (var ready = new LayerEvents(context, send, _ -> failures.incrementAndGet())) {
                long beside =
                        medianNanos(() -> {
                            long nanos =
                                    onDevice(() ->
                                            layers(layerBytes, layer -> ready.mark(layer, stream)));
                            left.add(onHost(ready::await));
                            return nanos;
                        });
                results.put("failures while layers were sent", failures.get());
                target("growth of compute time, %", 100.0 * (beside - alone) / alone, "<=", 3.0);
            }
            Collections.sort(left);
            // What is left when the last layer is computed is what a request waits for.
            double hidden = 1.0 - left.get(left.size() / 2) / (double) sending;
            target("share of sending that is hidden", hidden, "", 0);
        }
    }

    private void layers(long layerBytes, IntConsumer done) {
        for (int layer = 0; layer < LAYERS; layer++) {
            for (int pass = 0; pass < 16; pass++) {
                stream.fill(cache.address() + layer * layerBytes, (byte) pass, layerBytes);
            }
            done.accept(layer);
        }
    }

    private void target(String name, double value, String relation, double bound) {
        results.put(name, value);
        if (!relation.isEmpty()) {
            boolean met = relation.equals(">=") ? value >= bound : value <= bound;
            results.put(name + ": target", relation + " " + bound + (met ? ", met" : ", MISSED"));
        }
    }

    static String json(Map<String, Object> values) {
        return values.entrySet().stream()
                .map(entry -> "\"" + entry.getKey() + "\": " + literal(entry.getValue()))
                .collect(Collectors.joining(", ", "{", "}"));
    }

    private static String literal(Object value) {
        if (value instanceof Double number) {
            return String.format(Locale.ROOT, "%.4f", number);
        }
        return value instanceof Number ? value.toString() : "\"" + value + "\"";
    }

    @Override
    public void close() {
        stream.close();
        memory.close();
        context.close();
    }
}
