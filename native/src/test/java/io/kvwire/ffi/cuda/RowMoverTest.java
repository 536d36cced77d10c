package io.kvwire.ffi.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.kvwire.ffi.kernels.RowMoverContract;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.Random;

/**
 * The kernels on the first GPU; where there is none, the same source compiled for the host,
 * launched through the simulated driver.
 */
class RowMoverTest extends RowMoverContract {
    private static Context context;
    private static Stream stream;
    private static RowMover mover;

    @BeforeAll
    static void open() {
        context = TestDriver.open();
        stream = context.stream();
        mover = new RowMover(context, stream);
    }

    @AfterAll
    static void close() {
        if (context != null) {
            mover.close();
            stream.close();
            context.close();
        }
    }

    @Override
    protected byte[] gather(Shape shape, byte[] cacheBytes) {
        var rows = shape.rows();
        try (var cache = upload(cacheBytes);
                var dense = context.allocate((long) rows.count() * rows.rowBytes());
                var paged = mover.paged(rows, cache.range(), cache.range(), shape.table())) {
            mover.gather(paged, dense.range());
            return download(dense);
        }
    }

    @Override
    protected byte[] scatter(Shape shape, byte[] denseBytes, byte[] cacheBytes) {
        var rows = shape.rows();
        try (var cache = upload(cacheBytes);
                var dense = upload(denseBytes);
                var paged = mover.paged(rows, cache.range(), cache.range(), shape.table())) {
            mover.scatter(dense.range(), paged);
            return download(cache);
        }
    }

    @Override
    protected Quantised quantise(Shape shape, byte[] cacheBytes) {
        var rows = shape.rows();
        try (var cache = upload(cacheBytes);
                var codes = context.allocate((long) rows.count() * rows.cache().headDim());
                var scales = context.allocate(4L * rows.count());
                var unscaled = context.allocate(4);
                var paged = mover.paged(rows, cache.range(), cache.range(), shape.table())) {
            mover.quantise(paged, new Int8Rows(codes.range(), scales.range(), unscaled.range()));
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
                var auxiliary = context.allocate((long) rest * list.length)) {
            mover.takeUnscaled(
                    paged, new UnscaledRows(list.length, numbers.range(), auxiliary.range()));
            return download(auxiliary);
        }
    }

    @Override
    protected byte[] dequantise(Shape shape, Quantised quantised) {
        var rows = shape.rows();
        try (var cache = upload(new byte[shape.cacheBytes()]);
                var codes = upload(quantised.codes());
                var scales = upload(quantised.scales());
                var unscaled = context.allocate(4);
                var paged = mover.paged(rows, cache.range(), cache.range(), shape.table())) {
            var int8 = new Int8Rows(codes.range(), scales.range(), unscaled.range());
            mover.dequantise(int8, paged);
            var list = unscaled(quantised.scales());
            if (list.length > 0) {
                try (var numbers = upload(ints(list));
                        var auxiliary = upload(quantised.rest())) {
                    var lost = new UnscaledRows(list.length, numbers.range(), auxiliary.range());
                    mover.placeUnscaled(int8, lost, paged);
                    stream.synchronize();
                }
            }
            stream.synchronize();
            return download(cache);
        }
    }

    @Test
    void rangesThatAreTooSmallAreRefusedBeforeTheLaunch() {
        var shape = Shape.random(new Random(1));
        try (var cache = context.allocate(shape.cacheBytes());
                var small = context.allocate(1);
                var paged =
                        mover.paged(shape.rows(), cache.range(), cache.range(), shape.table())) {
            var failure =
                    assertThrows(TransferException.class, () -> mover.gather(paged, small.range()));
            assertEquals(ErrorCode.OUT_OF_RANGE, failure.code());
            assertThrows(
                    TransferException.class,
                    () -> mover.paged(shape.rows(), small.range(), small.range(), shape.table()));
        }
    }

    private static DeviceBuffer upload(byte[] bytes) {
        var buffer = context.allocate(Math.max(1, bytes.length));
        if (bytes.length > 0) {
            try (var arena = Arena.ofConfined()) {
                var host = arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes);
                stream.copyToDevice(host, buffer.address());
                stream.synchronize();
            }
        }
        return buffer;
    }

    private static byte[] download(DeviceBuffer buffer) {
        try (var arena = Arena.ofConfined()) {
            var host = arena.allocate(buffer.bytes());
            stream.copyToHost(buffer.address(), host);
            stream.synchronize();
            return host.toArray(ValueLayout.JAVA_BYTE);
        }
    }
}
