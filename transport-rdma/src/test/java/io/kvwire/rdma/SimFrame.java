package io.kvwire.rdma;

import io.kvwire.transport.spi.OutboundFrame;
import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A frame of one slice of memory in two runs, whose header is the number of the slice. */
final class SimFrame implements OutboundFrame {
    final int slice;
    private final MemorySegment memory;
    private final long offset;
    private final long bytes;
    private final ByteBuffer header;
    Runnable atRelease = () -> {};
    int lane = -1;
    int releases;
    boolean arrived;

    SimFrame(int slice, MemorySegment memory, long offset, long bytes) {
        this.slice = slice;
        this.memory = memory;
        this.offset = offset;
        this.bytes = bytes;
        header = ByteBuffer.allocateDirect(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        header.putInt(0, slice);
    }

    static RunCursor runs(MemorySegment memory, long offset, long bytes) {
        return new RunCursor() {
            private int at = -1;

            @Override
            public boolean next() {
                return ++at < 2;
            }

            @Override
            public MemorySegment segment() {
                return memory;
            }

            @Override
            public long offset() {
                return at == 0 ? offset : offset + bytes / 2;
            }

            @Override
            public long length() {
                return at == 0 ? bytes / 2 : bytes - bytes / 2;
            }
        };
    }

    @Override
    public ByteBuffer header() {
        return header;
    }

    @Override
    public long payloadBytes() {
        return bytes;
    }

    @Override
    public RunCursor payload() {
        return runs(memory, offset, bytes);
    }

    @Override
    public boolean wanted() {
        return true;
    }

    @Override
    public void sending(int on) {
        lane = on;
    }

    @Override
    public void released(boolean sent) {
        releases++;
        arrived = sent;
        atRelease.run();
    }
}
