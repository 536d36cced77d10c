package io.kvwire.codec;

import io.kvwire.codec.rows.Elements;

import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;

/**
 * Looks at one row of keys in each frame, and warns once when keys have outlier channels: the scale
 * of such a row is made for one element, and all others, which attention needs as well, have a few
 * codes left. Confined to one thread.
 */
final class OutlierWatch {
    /**
     * Largest magnitude over root mean square. Normally distributed rows of 128 elements exceed it
     * once in 200,000; a pair of large channels has 8 in such a row, and 5.7 in one of 64.
     */
    private static final double EXTREME = 5.5;

    private static final int ROWS_BEFORE_WARNING = 3;

    // Steps that visit all rows of a body in turn, whatever their number below this prime.
    private static final int STEP = 7919;

    private int frames;
    private int extremeRows;

    /** Looks at one of some rows of keys. */
    void look(FrameHeader header, MemorySegment elements, long at, int rows) {
        if (extremeRows >= ROWS_BEFORE_WARNING) {
            return;
        }
        frames++;
        int row = (int) ((long) frames * STEP % rows);
        double ratio = largestOverRms(header, elements, at + row * FrameSections.rowBytes(header));
        if (ratio > EXTREME && ++extremeRows == ROWS_BEFORE_WARNING) {
            warn(header.layer, ratio);
        }
    }

    private static double largestOverRms(FrameHeader header, MemorySegment elements, long at) {
        double largest = 0;
        double squares = 0;
        int bytes = header.sourceDtype.bytes();
        for (int i = 0; i < header.keyDim; i++) {
            double x = Elements.load(header.sourceDtype, elements, at + (long) i * bytes);
            largest = Math.max(largest, Math.abs(x));
            squares += x * x;
        }
        return largest / Math.sqrt(squares / header.keyDim);
    }

    private static void warn(int layer, double ratio) {
        System.getLogger(OutlierWatch.class.getName())
                .log(
                        Level.WARNING,
                        "Keys have outlier channels (in layer "
                                + layer
                                + " an element is "
                                + Math.round(ratio)
                                + " times the root mean square of its row): INT8 with one scale"
                                + " for each token costs attention much of its precision; use"
                                + " keys=outliers:2, keys=hadamard or keys=channel");
    }
}
