package io.kvwire.codec;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.codec.rows.RowKernels;
import io.kvwire.codec.rows.Rows;
import io.kvwire.codec.rows.ScalarRowKernels;
import io.kvwire.codec.simd.VectorRowKernels;
import io.kvwire.transport.DType;
import io.kvwire.transport.spi.KvModel;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/** A process begins with scalar kernels, and goes over to those that it compiles meanwhile. */
class WarmingKernelsTest {
    private static final Duration LONG = Duration.ofMinutes(3);

    /** Counts the calls of an encoder, and takes next to no time or longer than anything. */
    private static final class Counted implements RowKernels {
        private final AtomicInteger calls = new AtomicInteger();
        private final CountDownLatch gate;

        Counted(CountDownLatch gate) {
            this.gate = gate;
        }

        @Override
        public String name() {
            return "counted";
        }

        @Override
        public int encode(Rows rows) {
            calls.incrementAndGet();
            return 0;
        }

        @Override
        public void decode(Rows rows) {
            try {
                gate.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static Rows rows(DType dtype, int dim) {
        return new Rows()
                .shape(dtype, dim, false)
                .elements(1, MemorySegment.ofArray(new byte[dim * dtype.bytes()]), 0)
                .codes(MemorySegment.ofArray(new byte[dim]), 0)
                .scales(MemorySegment.ofArray(new byte[4]), 0);
    }

    @Test
    void rowsAreCodedByScalarKernelsUntilTheOthersHaveProvenFaster() {
        var gate = new CountDownLatch(1);
        var warmUp = new KernelWarmUp(() -> new Counted(gate), LONG);
        var fast = new Counted(gate);
        var kernels = new WarmingKernels(fast, warmUp);
        assertTrue(kernels.settled(), "nothing is awaited that was never met");

        kernels.encode(rows(DType.BF16, 64));
        assertFalse(kernels.settled());
        assertEquals(0, fast.calls.get());

        gate.countDown();
        Awaitility.await().atMost(LONG).until(kernels::settled);
        kernels.encode(rows(DType.BF16, 64));
        assertEquals(1, fast.calls.get());
    }

    @Test
    void eachKindOfRowsIsProvenForItself() {
        var open = new CountDownLatch(0);
        var gate = new AtomicReference<>(open);
        var warmUp = new KernelWarmUp(() -> new Counted(gate.get()), LONG);
        var fast = new Counted(open);
        var kernels = new WarmingKernels(fast, warmUp);
        kernels.encode(rows(DType.BF16, 64));
        Awaitility.await().atMost(LONG).until(kernels::settled);
        // One, where the warm-up was over before the first rows had asked for it.
        int ofBf16 = fast.calls.get();

        var shut = new CountDownLatch(1);
        gate.set(shut);
        kernels.encode(rows(DType.FP32, 64));
        assertEquals(ofBf16, fast.calls.get(), "rows of FP32 are new");
        shut.countDown();
        // What another codec of the process has met is known to all of them.
        var other = new Counted(new CountDownLatch(0));
        new WarmingKernels(other, warmUp).encode(rows(DType.BF16, 64));
        assertEquals(1, other.calls.get());
    }

    @Test
    void kernelsThatAreNotFasterAreNotTaken() {
        var made = new AtomicInteger();
        var warmUp =
                new KernelWarmUp(
                        () -> {
                            made.incrementAndGet();
                            return slow();
                        },
                        Duration.ofMillis(50));
        var never = new Counted(new CountDownLatch(0));
        var kernels = new WarmingKernels(never, warmUp);

        kernels.encode(rows(DType.BF16, 64));
        Awaitility.await("a second trial").atMost(LONG).until(() -> made.get() >= 2);
        kernels.encode(rows(DType.BF16, 64));

        assertEquals(0, never.calls.get());
        assertFalse(kernels.settled());
    }

    /** As on a machine so busy that the compiler is not through within the bound. */
    @Test
    void kernelsThatAreFasterLateAreTakenLate() {
        var made = new AtomicInteger();
        var open = new CountDownLatch(0);
        var warmUp =
                new KernelWarmUp(
                        () -> made.incrementAndGet() == 1 ? slow() : new Counted(open),
                        Duration.ofMillis(50));
        var late = new Counted(open);
        var kernels = new WarmingKernels(late, warmUp);

        kernels.encode(rows(DType.BF16, 64));
        Awaitility.await().atMost(LONG).until(kernels::settled);
        kernels.encode(rows(DType.BF16, 64));

        assertTrue(made.get() >= 2, "the first trial was lost");
        assertEquals(1, late.calls.get());
    }

    /** Does all the work many times. */
    private static RowKernels slow() {
        var scalar = new ScalarRowKernels();
        return new RowKernels() {
            @Override
            public String name() {
                return "slow";
            }

            @Override
            public int encode(Rows rows) {
                for (int i = 0; i < 10; i++) {
                    scalar.encode(rows);
                    scalar.decode(rows);
                }
                return scalar.encode(rows);
            }

            @Override
            public void decode(Rows rows) {
                scalar.decode(rows);
            }
        };
    }

    @Test
    void framesAreTheSameBeforeAndAfter() {
        var warmUp = new KernelWarmUp(VectorRowKernels::new, LONG);
        for (var dtype : new DType[] {DType.BF16, DType.FP16, DType.FP32}) {
            var golden = GoldenInt8.of(dtype);
            var kernels = new WarmingKernels(new VectorRowKernels(), warmUp);
            var codec = new Int8Codec(GoldenFrame.MODEL, Int8Options.DEFAULT, kernels, false);
            assertArrayEquals(
                    golden.frame(), CodecRuns.encode(codec, golden.slab(), golden.source()));
            Awaitility.await().atMost(LONG).until(codec::settled);

            assertArrayEquals(
                    golden.frame(), CodecRuns.encode(codec, golden.slab(), golden.source()));
            assertArrayEquals(
                    golden.decoded(), CodecRuns.decode(codec, golden.slab(), golden.frame()));
        }
    }

    @Test
    void aCodecOfTheProcessSettles() {
        var golden = GoldenInt8.of(DType.BF16);
        var codec = new Int8Codec(KvModel.UNKNOWN);
        CodecRuns.encode(codec, golden.slab(), golden.source());

        Awaitility.await().atMost(LONG).until(codec::settled);
    }
}
