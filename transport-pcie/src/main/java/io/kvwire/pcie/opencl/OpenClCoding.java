package io.kvwire.pcie.opencl;

import io.kvwire.ffi.opencl.Buffers;
import io.kvwire.ffi.opencl.Context;
import io.kvwire.transport.spi.PagedSlab;
import io.kvwire.transport.spi.QuantisedRows;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.ConcurrentLinkedDeque;

/** INT8 codes of an OpenCL device's values: one launch and one copy for a slab. Thread-safe. */
final class OpenClCoding implements QuantisedRows, AutoCloseable {
    private final Context context;
    private final Buffers buffers;
    private final ConcurrentLinkedDeque<CodingLane> idle = new ConcurrentLinkedDeque<>();

    OpenClCoding(Context context, Buffers buffers) {
        this.context = context;
        this.buffers = buffers;
    }

    @Override
    public long quantise(PagedSlab source, MemorySegment target) {
        var lane = take();
        try {
            return lane.quantise(buffers, source, target);
        } finally {
            idle.push(lane);
        }
    }

    @Override
    public void dequantise(MemorySegment source, PagedSlab target) {
        var lane = take();
        try {
            lane.dequantise(buffers, source, target);
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
