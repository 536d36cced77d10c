package io.kvwire.pcie.levelzero;

import io.kvwire.ffi.kernels.KernelSource;
import io.kvwire.ffi.levelzero.Context;
import io.kvwire.ffi.levelzero.DeviceModule;
import io.kvwire.pcie.lanes.LanePool;
import io.kvwire.pcie.lanes.PooledRows;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.QuantisedRows;
import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * Memory of a Level Zero device, such as a GPU of Intel. Tested on a simulated driver; never run on
 * a device yet.
 *
 * <p>Each copy has an immediate list of its own as long as it lasts, so copies run beside the
 * device's computing. All bytes go through memory of the host that the driver has allocated, which
 * is the only memory of the host that every device is sure to reach: short runs by one launch for
 * thousands of them, long ones by a copy each.
 *
 * <p>Addresses of segments are the device's own. What other processes of the host are to open is
 * named by {@link #ipcHandle}; what a NIC is to reach is allocated by {@link #allocateShareable}
 * and exported by {@link #dmaBuf}.
 *
 * <p>Owns its allocations and lists; the context is the caller's, and is closed after this.
 * Thread-safe.
 *
 * {@snippet :
 * try (var context = Context.of(LevelZero.system().devices().getFirst());
 *         var memory = new LevelZeroMemory("xpu:0", context)) {
 *     var layer = memory.allocate(blocks * layout.blockBytes(), 4096);
 *     var placement = List.of(LayerPlacement.dense(layout, layer, blocks));
 *     node.register("kv", layout, placement, blocks, Access.REMOTE_WRITE, memory);
 * }
 * }
 */
public final class LevelZeroMemory implements DeviceMemory {
    private final String device;
    private final Context context;
    private final DeviceModule module;
    private final Allocations allocations;
    private final Allocations opened;
    private final PooledRows coding;
    private final LanePool<RunLane> lanes;

    /**
     * Opens a device's memory.
     *
     * @param device its name for people, such as {@code xpu:0}
     * @param context of the device
     * @throws TransferException with the compiler's log where the driver does not take the kernels
     */
    public LevelZeroMemory(String device, Context context) {
        this.device = device;
        this.context = context;
        allocations = new Allocations(device);
        opened = new Allocations(device);
        module = context.module(KernelSource.spirVRuns(), "");
        coding = new PooledRows(() -> new CodingLane(context, module, allocations));
        lanes = new LanePool<>(() -> new RunLane(context, module), RunLane::close);
    }

    /**
     * {@return the allocation that holds a segment, for those who launch kernels}
     *
     * @param segment of this memory
     * @throws TransferException with {@link ErrorCode#OUT_OF_RANGE} when it is not all inside one
     */
    public MemorySegment allocationOf(MemorySegment segment) {
        return allocations.find(segment, 0, segment.byteSize()).allocation();
    }

    @Override
    public String device() {
        return device;
    }

    @Override
    public boolean hostAccessible() {
        return false;
    }

    @Override
    public MemorySegment allocate(long bytes, long alignment) {
        return own(context.allocate(bytes(bytes), alignment));
    }

    /**
     * Allocates memory that can be exported by {@link #dmaBuf}.
     *
     * @param bytes at least 1
     * @param alignment a power of two
     * @return the memory, filled with zeros, until {@link #free}
     * @throws TransferException with {@link ErrorCode#RESOURCE_EXHAUSTED} when there is too little,
     *     {@link ErrorCode#PATH_UNAVAILABLE} where the driver exports none
     */
    public MemorySegment allocateShareable(long bytes, long alignment) {
        return own(context.allocateShareable(bytes(bytes), alignment));
    }

    private long bytes(long bytes) {
        long largest = context.device().largestAllocationBytes();
        if (bytes < 1 || bytes > largest) {
            throw new TransferException(
                    ErrorCode.RESOURCE_EXHAUSTED,
                    device + " has no memory of " + bytes + " bytes; the largest is " + largest);
        }
        return bytes;
    }

    private MemorySegment own(MemorySegment memory) {
        try {
            lanes.use(lane -> lane.zero(memory));
        } catch (RuntimeException | Error e) {
            context.free(memory);
            throw e;
        }
        allocations.add(memory);
        return memory;
    }

    @Override
    public void free(MemorySegment memory) {
        context.free(allocations.remove(memory).orElseThrow(LevelZeroMemory::notAllocated));
    }

    private static TransferException notAllocated() {
        return new TransferException(
                ErrorCode.OUT_OF_RANGE, "memory that was not allocated here, or freed before");
    }

    /**
     * {@return what names memory in another process of the host: 64 bytes}
     *
     * @param memory that was allocated here, from its start
     */
    public byte[] ipcHandle(MemorySegment memory) {
        allocations.find(memory, 0, memory.byteSize());
        return context.ipcHandle(memory);
    }

    /**
     * Opens memory of another process of the host.
     *
     * @param handle what {@link #ipcHandle} gave there, handed over as its driver demands
     * @param bytes its size there
     * @return the memory, which can be registered, until {@link #closeIpc}
     * @throws TransferException with {@link ErrorCode#OUT_OF_RANGE} when the handle is none
     */
    public MemorySegment openIpc(byte[] handle, long bytes) {
        var memory = context.openIpc(handle, bytes);
        opened.add(memory);
        allocations.add(memory);
        return memory;
    }

    /**
     * Ends {@link #openIpc}; no transfer may use the memory any more.
     *
     * @param memory the same segment
     * @throws TransferException with {@link ErrorCode#OUT_OF_RANGE} when it was not opened here
     */
    public void closeIpc(MemorySegment memory) {
        var known = opened.remove(memory).orElseThrow(LevelZeroMemory::notAllocated);
        var _ = allocations.remove(known);
        context.closeIpc(known);
    }

    /**
     * Exports memory for a NIC or another driver.
     *
     * @param memory what {@link #allocateShareable} gave, or a part of it
     * @return the dma-buf, whose descriptor the caller closes
     * @throws TransferException with {@link ErrorCode#OUT_OF_RANGE} for other memory, {@link
     *     ErrorCode#PATH_UNAVAILABLE} where the driver exports none
     */
    public Context.DmaBuf dmaBuf(MemorySegment memory) {
        allocations.find(memory, 0, memory.byteSize());
        return context.dmaBuf(memory);
    }

    @Override
    public void gather(RunCursor source, MemorySegment target) {
        lanes.use(lane -> lane.gather(allocations, source, target));
    }

    @Override
    public void scatter(MemorySegment source, RunCursor target) {
        lanes.use(lane -> lane.scatter(allocations, source, target));
    }

    @Override
    public Optional<QuantisedRows> quantisedRows() {
        return Optional.of(coding);
    }

    @Override
    public void close() {
        lanes.close();
        coding.close();
        opened.clear().forEach(this::closeOpened);
        allocations.clear().forEach(context::free);
        module.close();
    }

    private void closeOpened(MemorySegment memory) {
        var _ = allocations.remove(memory);
        context.closeIpc(memory);
    }
}
