package io.kvwire.pcie.cuda;

import io.kvwire.ffi.cuda.Context;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.PeerMemory;
import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.UUID;

/**
 * A GPU's memory, as processes show it to each other by IPC handles. What is exported says which
 * process it is of, and where it lies there: the driver opens no handle in the process that made
 * it, where the address is good as it is.
 *
 * <p>Belongs to a {@link CudaMemory}, which closes it. Thread-safe.
 */
final class IpcMemory implements PeerMemory, AutoCloseable {
    private static final UUID THIS_PROCESS = UUID.randomUUID();
    private static final int START_BYTES = 3 * Long.BYTES;

    private final CudaMemory memory;
    private final ImportedRegions imported;

    IpcMemory(CudaMemory memory) {
        this.memory = memory;
        imported = new ImportedRegions(memory);
    }

    @Override
    public byte[] export(MemorySegment segment) {
        byte[] region = ExportedRegion.of(memory, segment).encode();
        return ByteBuffer.allocate(START_BYTES + region.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(THIS_PROCESS.getMostSignificantBits())
                .putLong(THIS_PROCESS.getLeastSignificantBits())
                .putLong(segment.address())
                .put(region)
                .array();
    }

    @Override
    public MemorySegment open(byte[] exported) {
        var region = region(exported);
        if (!isOwn(exported)) {
            return imported.open(region);
        }
        var segment = Context.segmentAt(start(exported).getLong(2 * Long.BYTES), region.bytes());
        if (!memory.knows(segment)) {
            throw new TransferException(
                    ErrorCode.PATH_UNAVAILABLE,
                    "memory of another CudaMemory of this process: share one between nodes");
        }
        return segment;
    }

    @Override
    public void release(byte[] exported) {
        if (!isOwn(exported)) {
            imported.close(region(exported));
        }
    }

    @Override
    public Copy start(RunCursor source, RunCursor target) {
        return memory.start(source, target);
    }

    private static ByteBuffer start(byte[] exported) {
        return ByteBuffer.wrap(exported).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static boolean isOwn(byte[] exported) {
        var in = start(exported);
        return new UUID(in.getLong(), in.getLong()).equals(THIS_PROCESS);
    }

    private static ExportedRegion region(byte[] exported) {
        if (exported.length < START_BYTES) {
            throw new TransferException(
                    ErrorCode.MALFORMED, "exported memory of " + exported.length + " bytes");
        }
        return ExportedRegion.decode(Arrays.copyOfRange(exported, START_BYTES, exported.length));
    }

    @Override
    public void close() {
        imported.close();
    }
}
