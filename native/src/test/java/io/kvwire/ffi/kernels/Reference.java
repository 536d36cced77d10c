package io.kvwire.ffi.kernels;

import io.kvwire.transport.DType;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;

/** INT8 codes as docs/spec/kv-frame.md says it, one element after the other. */
final class Reference {

    private Reference() {}

    /** Fills a cache with numbers of all kinds, NaN, infinities and subnormal ones among them. */
    static void fill(byte[] cache, DType dtype, Random random) {
        var bytes = ByteBuffer.wrap(cache).order(ByteOrder.LITTLE_ENDIAN);
        while (bytes.remaining() >= dtype.bytes()) {
            float x = number(random);
            switch (dtype) {
                case FP32 -> bytes.putFloat(x);
                case FP16 -> bytes.putShort(Float.floatToFloat16(x));
                default -> bytes.putShort((short) (Float.floatToRawIntBits(x) >>> 16));
            }
        }
    }

    private static float number(Random random) {
        return switch (random.nextInt(1500)) {
            case 0 -> Float.NaN;
            case 1 -> Float.NEGATIVE_INFINITY;
            case 2 -> 0x1.8p127f;
            case 3 -> -0x1.fffffep126f;
            case 4, 5, 6 -> -0f;
            case 7, 8, 9 -> Float.MIN_VALUE * random.nextInt(100_000);
            case 10, 11 -> random.nextInt(254) - 126.5f;
            default -> (float) random.nextGaussian();
        };
    }

    static RowMoverContract.Quantised quantised(byte[] dense, KvRows rows) {
        int dim = rows.cache().headDim();
        var codes = ByteBuffer.allocate(rows.count() * dim);
        var scales = ByteBuffer.allocate(4 * rows.count()).order(ByteOrder.LITTLE_ENDIAN);
        var rest = new ByteArrayOutputStream();
        for (int row = 0; row < rows.count(); row++) {
            int at = row * rows.rowBytes();
            var elements = elements(dense, at, dim, rows.cache().dtype());
            float largest = 0;
            for (float x : elements) {
                largest = Math.max(largest, Math.abs(x));
            }
            if (largest < 0x1p127f) {
                float scale = Math.max(largest / 127, Float.MIN_NORMAL);
                scales.putFloat(scale);
                for (float x : elements) {
                    codes.put((byte) Math.rint(x / scale));
                }
            } else {
                scales.putFloat(0);
                codes.put(dense, at, dim);
                rest.write(dense, at + dim, rows.rowBytes() - dim);
            }
        }
        return new RowMoverContract.Quantised(codes.array(), scales.array(), rest.toByteArray());
    }

    static byte[] dequantised(RowMoverContract.Quantised quantised, KvRows rows) {
        int dim = rows.cache().headDim();
        var scales = ByteBuffer.wrap(quantised.scales()).order(ByteOrder.LITTLE_ENDIAN);
        var rest = ByteBuffer.wrap(quantised.rest());
        var dense = ByteBuffer.allocate(rows.count() * rows.rowBytes());
        dense.order(ByteOrder.LITTLE_ENDIAN);
        for (int row = 0; row < rows.count(); row++) {
            float scale = scales.getFloat(4 * row);
            if (scale == 0) {
                dense.put(quantised.codes(), row * dim, dim);
                var behind = new byte[rows.rowBytes() - dim];
                rest.get(behind);
                dense.put(behind);
            } else {
                for (int i = 0; i < dim; i++) {
                    put(dense, rows.cache().dtype(), quantised.codes()[row * dim + i] * scale);
                }
            }
        }
        return dense.array();
    }

    private static void put(ByteBuffer dense, DType dtype, float x) {
        switch (dtype) {
            case FP32 -> dense.putFloat(x);
            case FP16 -> dense.putShort(Float.floatToFloat16(x));
            default -> {
                int bits = Float.floatToRawIntBits(x);
                dense.putShort((short) ((bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16));
            }
        }
    }

    private static float[] elements(byte[] dense, int at, int dim, DType dtype) {
        var bytes = ByteBuffer.wrap(dense).order(ByteOrder.LITTLE_ENDIAN);
        var elements = new float[dim];
        for (int i = 0; i < dim; i++) {
            int where = at + i * dtype.bytes();
            elements[i] =
                    switch (dtype) {
                        case FP32 -> bytes.getFloat(where);
                        case FP16 -> Float.float16ToFloat(bytes.getShort(where));
                        default -> Float.intBitsToFloat(bytes.getShort(where) << 16);
                    };
        }
        return elements;
    }
}
