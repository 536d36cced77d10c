package io.kvwire.pcie.lanes;

import io.kvwire.transport.spi.PagedSlab;

import java.lang.foreign.MemorySegment;

/**
 * One slab's coding at a time, with what it needs on the device. Owns that; confined to one thread
 * at a time.
 */
public interface RowCoder extends AutoCloseable {
    /**
     * As {@link io.kvwire.transport.spi.QuantisedRows#quantise}.
     *
     * @param source in memory of the device
     * @param target host memory
     * @return the bytes of the coded form; 0 where it is longer than the target
     */
    long quantise(PagedSlab source, MemorySegment target);

    /**
     * As {@link io.kvwire.transport.spi.QuantisedRows#dequantise}.
     *
     * @param source the coded form, in host memory
     * @param target in memory of the device
     */
    void dequantise(MemorySegment source, PagedSlab target);

    @Override
    void close();
}
