package io.kvwire.pcie.lanes;

import io.kvwire.transport.spi.PagedSlab;
import io.kvwire.transport.spi.QuantisedRows;

import java.lang.foreign.MemorySegment;
import java.util.function.Supplier;

/** INT8 codes of a device's values: one launch and one copy for a slab. Thread-safe. */
public final class PooledRows implements QuantisedRows, AutoCloseable {
    private final LanePool<RowCoder> coders;

    /**
     * Makes a pool without coders.
     *
     * @param opener opens a coder when all are at work
     */
    public PooledRows(Supplier<? extends RowCoder> opener) {
        coders = new LanePool<>(opener, RowCoder::close);
    }

    @Override
    public long quantise(PagedSlab source, MemorySegment target) {
        return coders.count(coder -> coder.quantise(source, target));
    }

    @Override
    public void dequantise(MemorySegment source, PagedSlab target) {
        coders.use(coder -> coder.dequantise(source, target));
    }

    @Override
    public void close() {
        coders.close();
    }
}
