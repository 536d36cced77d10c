package io.kvwire.codec;

import io.kvwire.codec.rows.Elements;
import io.kvwire.codec.rows.RowScale;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * What a frame says of the channels of its keys: the scale of each, or which ones are kept as they
 * are. Both follow from the largest magnitude of a channel over the tokens of the frame. Reused,
 * grows with the frames; confined to one thread.
 */
final class KeyChannels {
    private int dim;
    private int outliers;
    // Bits of the largest magnitude of each channel, head by head, while a frame is measured.
    private int[] magnitudes = new int[0];
    private float[] scales = new float[0];
    private int[] numbers = new int[0];

    /** Makes room for the channels of a frame. */
    void shape(FrameHeader header) {
        dim = header.keyDim;
        outliers = header.outliers;
        int channels = header.heads * dim;
        if (magnitudes.length < channels) {
            magnitudes = new int[channels];
            scales = new float[channels];
        }
        if (numbers.length < header.heads * outliers) {
            numbers = new int[header.heads * outliers];
        }
    }

    /** Measures the channels of the keys in a slab's elements. */
    void measure(FrameHeader header, Bodies bodies, MemorySegment elements) {
        shape(header);
        Arrays.fill(magnitudes, 0, header.heads * dim, 0);
        long rowBytes = FrameSections.rowBytes(header);
        long at = 0;
        bodies.start(header);
        while (bodies.next()) {
            for (int row = 0; bodies.isKey() && row < bodies.rows(); row++) {
                measure(header, bodies.head(row) * dim, elements, at + row * rowBytes);
            }
            at += bodies.rows() * rowBytes;
        }
    }

    private void measure(FrameHeader header, int channel, MemorySegment elements, long at) {
        int bytes = header.sourceDtype.bytes();
        for (int i = 0; i < dim; i++) {
            float x = Elements.load(header.sourceDtype, elements, at + (long) i * bytes);
            int magnitude = Float.floatToRawIntBits(x) & Integer.MAX_VALUE;
            magnitudes[channel + i] = Math.max(magnitudes[channel + i], magnitude);
        }
    }

    /**
     * Makes the scale of each measured channel.
     *
     * @return whether all have one
     */
    boolean scale(FrameHeader header) {
        boolean all = true;
        for (int i = 0; i < header.heads * dim; i++) {
            scales[i] = RowScale.of(Float.intBitsToFloat(magnitudes[i]), header.halfScales());
            all &= scales[i] != RowScale.UNSCALED;
        }
        return all;
    }

    /** Chooses the largest of the measured channels of each head, the lower ones among equals. */
    void choose(FrameHeader header) {
        for (int head = 0; head < header.heads; head++) {
            for (int i = 0; i < outliers; i++) {
                int largest = 0;
                for (int channel = 1; channel < dim; channel++) {
                    if (magnitudes[head * dim + channel] > magnitudes[head * dim + largest]) {
                        largest = channel;
                    }
                }
                magnitudes[head * dim + largest] = -1;
                numbers[head * outliers + i] = largest;
            }
            Arrays.sort(numbers, head * outliers, (head + 1) * outliers);
        }
    }

    /** {@return the scale of a channel of a head} */
    float scale(int head, int channel) {
        return scales[head * dim + channel];
    }

    /** Sets the scale of a channel of a head. */
    void scale(int head, int channel, float scale) {
        scales[head * dim + channel] = scale;
    }

    /** {@return the number of an outlier channel of a head} */
    int outlier(int head, int i) {
        return numbers[head * outliers + i];
    }

    /** Sets the number of an outlier channel of a head. */
    void outlier(int head, int i, int channel) {
        numbers[head * outliers + i] = channel;
    }
}
