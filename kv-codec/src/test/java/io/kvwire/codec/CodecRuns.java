package io.kvwire.codec;

import io.kvwire.codec.rows.Elements;
import io.kvwire.transport.DType;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.spi.KvCodec;
import io.kvwire.transport.spi.Slab;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;

/** Slabs, their elements and their frames, from array to array. */
final class CodecRuns {
    private CodecRuns() {}

    static Slab slab(KvLayout layout, TokenRange tokens) {
        var id = new Slab.Id(1, 2, 3, 0, 1);
        return new Slab(id, layout, 0, tokens, layout.firstHead(), layout.heads());
    }

    static byte[] encode(KvCodec codec, Slab slab, byte[] source) {
        var frame = new byte[(int) codec.maxFrameBytes(slab)];
        long length = codec.encode(slab, Runs.whole(source), MemorySegment.ofArray(frame));
        return Arrays.copyOf(frame, (int) length);
    }

    static byte[] decode(KvCodec codec, Slab slab, byte[] frame) {
        var target = new byte[(int) slab.rawBytes()];
        codec.decode(MemorySegment.ofArray(frame), slab, Runs.whole(target));
        return target;
    }

    /** Elements of the slab's dtype, normally distributed. */
    static byte[] gaussian(Slab slab, long seed) {
        var random = new Random(seed);
        var dtype = slab.layout().dtype();
        var values = new float[(int) slab.rawBytes() / dtype.bytes()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return elements(dtype, values);
    }

    static byte[] elements(DType dtype, float... values) {
        var elements = new byte[values.length * dtype.bytes()];
        var memory = MemorySegment.ofArray(elements);
        for (int i = 0; i < values.length; i++) {
            Elements.store(dtype, memory, (long) i * dtype.bytes(), values[i]);
        }
        return elements;
    }

    static float[] values(DType dtype, byte[] elements) {
        var memory = MemorySegment.ofArray(elements);
        var values = new float[elements.length / dtype.bytes()];
        for (int i = 0; i < values.length; i++) {
            values[i] = Elements.load(dtype, memory, (long) i * dtype.bytes());
        }
        return values;
    }
}
