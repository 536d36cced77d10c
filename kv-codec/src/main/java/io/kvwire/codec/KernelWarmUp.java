package io.kvwire.codec;

import io.kvwire.codec.rows.RowKernels;
import io.kvwire.codec.rows.Rows;
import io.kvwire.codec.rows.ScalarRowKernels;
import io.kvwire.transport.DType;

import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Runs the kernels on the Vector API until they are compiled, on rows of its own and on a thread of
 * its own, once for each kind of rows that a codec meets. As long as they are interpreted, a vector
 * is an object and each of its operations a call, so that they take a thousand times as long as
 * when they are compiled, and much longer than the scalar ones.
 *
 * <p>Costs one core for a second or so when a process meets its first rows, for milliseconds with
 * each kind after that, and never more than the bound at a stretch. Where that was not enough,
 * since the compiler got no core on a busy machine, they are tried again for a moment now and then.
 * Thread-safe.
 */
final class KernelWarmUp {
    /**
     * How long rows of one kind are run at first, in milliseconds; 0 to take kernels as they are.
     */
    static final String MILLIS_PROPERTY = "kvwire.codec.warmUpMillis";

    private static final long DEFAULT_MILLIS = 10_000;

    /** As many rows as an encoder hands over at once, at head dim 128. */
    private static final int ROWS = 32;

    /** One without a scale, so that what is done about those is compiled with the rest. */
    private static final int UNSCALED_ROW = 20;

    /** So often in a row the compiled kernels must have been the faster ones. */
    private static final int WINS = 32;

    private static final int IDLE_SECONDS = 1;

    /** What a later trial takes, and how long it is to the first and at most to the next one. */
    private static final long AGAIN_NANOS = 20_000_000;

    private static final long FIRST_REST_MILLIS = 1_000;
    private static final long LONGEST_REST_MILLIS = 30_000;

    private final Supplier<RowKernels> vectors;
    private final long mostNanos;
    private final List<Kind> kinds = new ArrayList<>();
    private final ScheduledThreadPoolExecutor thread =
            new ScheduledThreadPoolExecutor(
                    1,
                    work ->
                            Thread.ofPlatform()
                                    .daemon()
                                    .name("kvwire-codec-warm-up")
                                    .unstarted(work));

    /** Rows that go the same way through the kernels, and whether that way is compiled. */
    static final class Kind {
        private final DType dtype;
        private final int dim;
        private final boolean halfScales;
        private final boolean outsideOfHeap;
        private volatile boolean compiled;

        private Kind(Rows rows) {
            dtype = rows.dtype();
            dim = rows.dim();
            halfScales = rows.halfScales();
            outsideOfHeap = outsideOfHeap(rows);
        }

        private static boolean outsideOfHeap(Rows rows) {
            return rows.elements().isNative() && rows.codes().isNative();
        }

        /** Whether rows are of this kind. */
        boolean isOf(Rows rows) {
            return rows.dim() == dim
                    && rows.dtype() == dtype
                    && rows.halfScales() == halfScales
                    && outsideOfHeap(rows) == outsideOfHeap;
        }

        /** Whether the kernels on the Vector API are the faster ones for it. */
        boolean compiled() {
            return compiled;
        }
    }

    /**
     * Makes a warm-up.
     *
     * @param vectors the kernels to run, for one thread
     * @param most how long rows of one kind may be run at a stretch
     */
    KernelWarmUp(Supplier<RowKernels> vectors, Duration most) {
        this.vectors = vectors;
        mostNanos = most.toNanos();
        thread.setKeepAliveTime(IDLE_SECONDS, TimeUnit.SECONDS);
        thread.allowCoreThreadTimeOut(true);
    }

    /** {@return how long rows of one kind may be run at a stretch in this process} */
    static Duration most() {
        return Duration.ofMillis(Math.max(0, Long.getLong(MILLIS_PROPERTY, DEFAULT_MILLIS)));
    }

    /** {@return the kind of some rows; the first time it is seen, it begins to be run} */
    synchronized Kind kind(Rows rows) {
        for (var known : kinds) {
            if (known.isOf(rows)) {
                return known;
            }
        }
        var kind = new Kind(rows);
        kinds.add(kind);
        thread.execute(() -> run(kind));
        return kind;
    }

    private void run(Kind kind) {
        if (wins(kind, mostNanos)) {
            return;
        }
        System.getLogger(KernelWarmUp.class.getName())
                .log(
                        Level.WARNING,
                        "INT8 rows of {0} x {1} are coded by scalar kernels, many times slower:"
                                + " those on the Vector API were no faster after {2} ms. They are"
                                + " tried again now and then",
                        kind.dim,
                        kind.dtype,
                        mostNanos / 1_000_000);
        again(kind, FIRST_REST_MILLIS);
    }

    private void again(Kind kind, long restMillis) {
        long longer = Math.min(2 * restMillis, LONGEST_REST_MILLIS);
        var _ =
                thread.schedule(
                        () -> {
                            if (!wins(kind, AGAIN_NANOS)) {
                                again(kind, longer);
                            }
                        },
                        restMillis,
                        TimeUnit.MILLISECONDS);
    }

    /** Runs both kernels until those on the Vector API are the faster ones, or the time is over. */
    private boolean wins(Kind kind, long nanos) {
        try (var arena = Arena.ofConfined()) {
            var rows = rows(kind, arena);
            var scalar = new ScalarRowKernels();
            var vector = vectors.get();
            long start = System.nanoTime();
            int wins = 0;
            while (wins < WINS && System.nanoTime() - start < nanos) {
                wins = nanos(vector, rows) < nanos(scalar, rows) ? wins + 1 : 0;
            }
            kind.compiled = wins == WINS;
            return kind.compiled;
        }
    }

    private static Rows rows(Kind kind, Arena arena) {
        int elements = ROWS * kind.dim;
        long bytes = (long) elements * kind.dtype.bytes();
        var values = room(kind, arena, bytes);
        var random = new Random(1);
        long unscaled = (long) UNSCALED_ROW * kind.dim * kind.dtype.bytes();
        for (long at = 0; at < bytes; at += kind.dtype.bytes()) {
            float x = at == unscaled ? Float.POSITIVE_INFINITY : (float) random.nextGaussian();
            switch (kind.dtype) {
                case FP32 -> values.set(FLOAT, at, x);
                case FP16 -> values.set(SHORT, at, Float.floatToFloat16(x));
                default -> values.set(SHORT, at, (short) (Float.floatToRawIntBits(x) >> 16));
            }
        }
        return new Rows()
                .shape(kind.dtype, kind.dim, kind.halfScales)
                .elements(ROWS, values, 0)
                .codes(room(kind, arena, elements), 0)
                .scales(arena.allocate((long) ROWS * Float.BYTES, Long.BYTES), 0);
    }

    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

    private static MemorySegment room(Kind kind, Arena arena, long bytes) {
        return kind.outsideOfHeap
                ? arena.allocate(bytes, Long.BYTES)
                : MemorySegment.ofArray(new byte[Math.toIntExact(bytes)]);
    }

    private static long nanos(RowKernels kernels, Rows rows) {
        long start = System.nanoTime();
        kernels.encode(rows);
        kernels.decode(rows);
        return System.nanoTime() - start;
    }
}
