package io.kvwire.transport.spi;

import java.lang.foreign.MemorySegment;

/**
 * A device that makes INT8 codes of its values where they lie, and values of codes where they
 * belong, so that only codes and scales cross between it and the host. The arithmetic is that of
 * scheme 1 of {@code docs/spec/kv-frame.md}: one scale for each token, head and part.
 *
 * <p>The coded form is the same for all devices, so that one reads what another has made: little
 * endian; rows in the order of the slab's layout.
 *
 * <pre>
 * i32      rows without a scale, for their NaN, infinity or magnitude; most often 0
 * i32      0
 * i8[]     codes of each row, headDim each; the first headDim bytes of a row without a scale
 * pad      to a multiple of 4
 * f32[]    the scale of each row; +0 for a row without one
 * u32[]    numbers of the rows without a scale, ascending
 * u8[]     of each of those, the bytes that its codes do not hold
 * </pre>
 *
 * <p>{@link CodedForm} has the places of all parts. A codec whose frames hold the same codes makes
 * frames around them: {@link CodedFrames}.
 *
 * <p>Thread-safe, as {@link DeviceMemory} is.
 */
public interface QuantisedRows {
    /**
     * Makes codes of values and brings them to the host.
     *
     * @param source in memory of this device
     * @param target host memory, at least as long as the form without rows that have no scale
     * @return the bytes of the coded form; 0 where rows without a scale make it longer than the
     *     target, which {@link CodedForm#mostBytes} never is
     * @throws io.kvwire.transport.TransferException with {@link
     *     io.kvwire.transport.ErrorCode#INCOMPATIBLE_LAYOUT} for elements that have no codes, with
     *     {@link io.kvwire.transport.ErrorCode#OUT_OF_RANGE} when the table leads outside
     */
    long quantise(PagedSlab source, MemorySegment target);

    /**
     * Makes values of codes.
     *
     * @param source the coded form of the slab, in host memory
     * @param target in memory of this device
     * @throws io.kvwire.transport.TransferException as {@link #quantise} does, and with {@link
     *     io.kvwire.transport.ErrorCode#MALFORMED} when it is not such a form; nothing was written
     *     then
     */
    void dequantise(MemorySegment source, PagedSlab target);
}
