package io.kvwire.codec.rows;

import io.kvwire.transport.DType;

import java.lang.foreign.MemorySegment;

/**
 * Some rows, one behind the other: where their elements, their codes and their scales lie. Says
 * what a kernel is to do and is reused from call to call; confined to one thread.
 */
public final class Rows {
    private DType dtype = DType.BF16;
    private int dim;
    private boolean halfScales;
    private int count;
    private MemorySegment elements = MemorySegment.NULL;
    private long elementsAt;
    private MemorySegment codes = MemorySegment.NULL;
    private long codesAt;
    private MemorySegment scales = MemorySegment.NULL;
    private long scalesAt;

    /** Makes a description that says nothing yet. */
    public Rows() {}

    /**
     * Says what rows look like.
     *
     * @param type of the elements: FP32, FP16 or BF16
     * @param elementsOfRow at least 1
     * @param scalesInHalf whether scales are FP16, else FP32
     * @return this
     */
    public Rows shape(DType type, int elementsOfRow, boolean scalesInHalf) {
        dtype = type;
        dim = elementsOfRow;
        halfScales = scalesInHalf;
        return this;
    }

    /**
     * Says how many rows there are, and where their elements lie.
     *
     * @param rows at least 1
     * @param memory that holds them
     * @param at start of the first one, in bytes
     * @return this
     */
    public Rows elements(int rows, MemorySegment memory, long at) {
        count = rows;
        elements = memory;
        elementsAt = at;
        return this;
    }

    /**
     * Says where the codes lie.
     *
     * @param memory that holds them
     * @param at start of the first row's, in bytes
     * @return this
     */
    public Rows codes(MemorySegment memory, long at) {
        codes = memory;
        codesAt = at;
        return this;
    }

    /**
     * Says where the scales lie.
     *
     * @param memory that holds them
     * @param at start of the first row's, in bytes
     * @return this
     */
    public Rows scales(MemorySegment memory, long at) {
        scales = memory;
        scalesAt = at;
        return this;
    }

    /** {@return the type of the elements} */
    public DType dtype() {
        return dtype;
    }

    /** {@return the elements of one row} */
    public int dim() {
        return dim;
    }

    /** {@return the bytes of the elements of one row} */
    public int rowBytes() {
        return dim * dtype.bytes();
    }

    /** {@return whether scales are FP16} */
    public boolean halfScales() {
        return halfScales;
    }

    /** {@return the number of rows} */
    public int count() {
        return count;
    }

    /** {@return the memory of the elements} */
    public MemorySegment elements() {
        return elements;
    }

    /**
     * {@return the start of a row's elements, in bytes}
     *
     * @param row from 0
     */
    public long at(int row) {
        return elementsAt + (long) row * rowBytes();
    }

    /** {@return the memory of the codes} */
    public MemorySegment codes() {
        return codes;
    }

    /**
     * {@return the start of a row's codes, in bytes}
     *
     * @param row from 0
     */
    public long codesAt(int row) {
        return codesAt + (long) row * dim;
    }

    /** {@return the memory of the scales} */
    public MemorySegment scales() {
        return scales;
    }

    /**
     * {@return the start of a row's scale, in bytes}
     *
     * @param row from 0
     */
    public long scalesAt(int row) {
        return scalesAt + (long) row * (halfScales ? Short.BYTES : Float.BYTES);
    }

    /**
     * {@return the scale of a row}
     *
     * @param row from 0
     */
    public float scale(int row) {
        return halfScales
                ? Float.float16ToFloat(scales.get(Elements.SHORT, scalesAt(row)))
                : scales.get(Elements.FLOAT, scalesAt(row));
    }

    /**
     * Stores the scale of a row.
     *
     * @param row from 0
     * @param scale exact in the type of the scales
     */
    public void scale(int row, float scale) {
        if (halfScales) {
            scales.set(Elements.SHORT, scalesAt(row), Float.floatToFloat16(scale));
        } else {
            scales.set(Elements.FLOAT, scalesAt(row), scale);
        }
    }
}
