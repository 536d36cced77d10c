package io.kvwire.pcie.cuda;

import io.kvwire.ffi.cuda.Context;
import io.kvwire.transport.spi.PagedSlab;
import io.kvwire.transport.spi.QuantisedRows;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.ConcurrentLinkedDeque;

/** INT8 codes of a GPU's values: one launch and one copy for a slab. Thread-safe. */
final class CudaCoding implements QuantisedRows, AutoCloseable {
    private final Context context;
    private final KnownRanges known;
    private final ConcurrentLinkedDeque<CodingLane> idle = new ConcurrentLinkedDeque<>();

    CudaCoding(Context context, KnownRanges known) {
        this.context = context;
        this.known = known;
    }

    @Override
    public long quantise(PagedSlab source, MemorySegment target) {
        var lane = take();
        try {
            return lane.quantise(known, source, target);
        } finally {
            idle.push(lane);
        }
    }

    @Override
    public void dequantise(MemorySegment source, PagedSlab target) {
        var lane = take();
        try {
            lane.dequantise(known, source, target);
        } finally {
            idle.push(lane);
        }
    }

    private CodingLane take() {
        var lane = idle.poll();
        return lane == null ? new CodingLane(context) : lane;
    }

    @Override
    public void close() {
        idle.forEach(CodingLane::close);
        idle.clear();
    }
}
