package io.kvwire.ffi.opencl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kvwire.ffi.kernels.RowMoverContract;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;

/** The kernels on the first OpenCL device. */
class RowMoverTest extends RowMoverContract {

    private static Context context;
    private static CommandQueue queue;
    private static RowMover mover;

    @BeforeAll
    static void needsADevice() {
        context = Context.of(Devices.any());
        queue = context.queue();
        mover = new RowMover(context, queue);
    }

    @AfterAll
    static void close() {
        if (context != null) {
            mover.close();
            queue.close();
            context.close();
        }
    }

    @Override
    protected byte[] gather(Shape shape, byte[] cacheBytes) {
        var rows = shape.rows();
        try (var cache = upload(cacheBytes);
                var dense = context.buffer((long) rows.count() * rows.rowBytes());
                var paged = mover.paged(rows, cache, cache, shape.table());
                var done = mover.gather(paged, dense)) {
            done.await();
            return download(dense);
        }
    }

    @Override
    protected byte[] scatter(Shape shape, byte[] denseBytes, byte[] cacheBytes) {
        var rows = shape.rows();
        try (var cache = upload(cacheBytes);
                var dense = upload(denseBytes);
                var paged = mover.paged(rows, cache, cache, shape.table());
                var done = mover.scatter(dense, paged)) {
            done.await();
            return download(cache);
        }
    }

    @Override
    protected Quantised quantise(Shape shape, byte[] cacheBytes) {
        var rows = shape.rows();
        try (var cache = upload(cacheBytes);
                var codes = context.buffer((long) rows.count() * rows.cache().headDim());
                var scales = context.buffer(4L * rows.count());
                var unscaled = context.buffer(4);
                var paged = mover.paged(rows, cache, cache, shape.table());
                var done = mover.quantise(paged, new Int8Rows(codes, scales, unscaled))) {
            done.await();
            var scaleBytes = download(scales);
            var list = unscaled(scaleBytes);
            assertEquals(list.length, little(download(unscaled)).getInt());
            var rest = list.length == 0 ? new byte[0] : take(paged, list);
            return new Quantised(download(codes), scaleBytes, rest);
        }
    }

    private static byte[] take(PagedRows paged, int... list) {
        var rows = paged.rows();
        int rest = Math.max(1, rows.rowBytes() - rows.cache().headDim());
        try (var numbers = upload(ints(list));
                var auxiliary = context.buffer((long) rest * list.length);
                var taken =
                        mover.takeUnscaled(
                                paged, new UnscaledRows(list.length, numbers, auxiliary))) {
            taken.await();
            return download(auxiliary);
        }
    }

    @Override
    protected byte[] dequantise(Shape shape, Quantised quantised) {
        var rows = shape.rows();
        try (var cache = upload(new byte[shape.cacheBytes()]);
                var codes = upload(quantised.codes());
                var scales = upload(quantised.scales());
                var unscaled = context.buffer(4);
                var paged = mover.paged(rows, cache, cache, shape.table())) {
            var int8 = new Int8Rows(codes, scales, unscaled);
            mover.dequantise(int8, paged).close();
            var list = unscaled(quantised.scales());
            if (list.length > 0) {
                try (var numbers = upload(ints(list));
                        var auxiliary = upload(quantised.rest())) {
                    var lost = new UnscaledRows(list.length, numbers, auxiliary);
                    mover.placeUnscaled(int8, lost, paged).close();
                    queue.finish();
                }
            }
            queue.finish();
            return download(cache);
        }
    }

    @Test
    void buffersThatAreTooSmallAreRefusedBeforeTheLaunch() {
        var shape = Shape.random(new Random(1));
        try (var cache = context.buffer(shape.cacheBytes());
                var small = context.buffer(1);
                var paged = mover.paged(shape.rows(), cache, cache, shape.table())) {
            var failure = assertThrows(TransferException.class, () -> mover.gather(paged, small));
            assertEquals(ErrorCode.OUT_OF_RANGE, failure.code());
            assertThrows(
                    TransferException.class,
                    () -> mover.paged(shape.rows(), small, small, shape.table()));
        }
    }

    @Test
    void sourceThatDoesNotCompileIsRefusedWithTheLog() {
        var failure =
                assertThrows(
                        TransferException.class,
                        () -> context.program("__kernel void f() { mistake; }", ""));
        assertTrue(failure.getMessage().contains("CL_BUILD_PROGRAM_FAILURE"), failure::getMessage);
        assertTrue(failure.getMessage().contains("mistake"), failure::getMessage);
    }

    @Test
    void commandsOutsideABufferAreRefusedByName() {
        try (var arena = Arena.ofConfined();
                var buffer = context.buffer(64)) {
            var host = arena.allocate(65);
            var failure = assertThrows(TransferException.class, () -> queue.write(host, buffer, 0));
            assertTrue(failure.getMessage().contains("CL_INVALID_VALUE"), failure::getMessage);
            assertThrows(
                    IllegalArgumentException.class,
                    () -> queue.read(buffer, 0, MemorySegment.ofArray(new byte[4])));
        }
    }

    @Test
    void eventsTellThatACommandIsDoneAndHowLongItTook() {
        try (var arena = Arena.ofConfined();
                var first = context.buffer(4096);
                var second = context.buffer(4096);
                var filled = queue.fill(first, (byte) 7);
                var copied = queue.copy(first, second, 4096, filled)) {
            copied.await();
            assertTrue(filled.isDone());
            assertTrue(copied.nanos() > 0, "nanoseconds of a copy");
            var host = arena.allocate(4096);
            try (var read = queue.read(second, 0, host)) {
                read.await();
            }
            assertEquals(7, host.get(ValueLayout.JAVA_BYTE, 4095));
        }
    }

    @Test
    void sharedMemoryIsSeenByBoth() {
        assumeTrue(context.device().sharesMemory(), "the device shares no memory with the host");
        var source = "__kernel void twice(__global int *x) { x[get_global_id(0)] *= 2; }";
        var memory = context.sharedMemory(256, 64);
        try (var program = context.program(source, "");
                var kernel = program.kernel("twice")) {
            memory.setAtIndex(ValueLayout.JAVA_INT, 63, 21);
            kernel.sharedArgument(0, memory);
            queue.launch(kernel, 1, 64).close();
            queue.finish();
            assertEquals(42, memory.getAtIndex(ValueLayout.JAVA_INT, 63));
        } finally {
            context.freeShared(memory);
        }
    }

    private static Buffer upload(byte[] bytes) {
        var buffer = context.buffer(Math.max(1, bytes.length));
        if (bytes.length > 0) {
            try (var arena = Arena.ofConfined();
                    var done =
                            queue.write(
                                    arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes), buffer, 0)) {
                done.await();
            }
        }
        return buffer;
    }

    private static byte[] download(Buffer buffer) {
        try (var arena = Arena.ofConfined()) {
            var host = arena.allocate(buffer.bytes());
            try (var done = queue.read(buffer, 0, host)) {
                done.await();
            }
            return host.toArray(ValueLayout.JAVA_BYTE);
        }
    }
}
