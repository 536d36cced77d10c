package io.kvwire.pcie.cuda;

import io.kvwire.ffi.cuda.AddressRange;
import io.kvwire.ffi.cuda.Context;
import io.kvwire.ffi.cuda.DeviceBuffer;
import io.kvwire.ffi.cuda.KernelModule;
import io.kvwire.ffi.kernels.KernelSource;
import io.kvwire.pcie.lanes.LanePool;
import io.kvwire.pcie.lanes.PooledRows;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.NicAccess;
import io.kvwire.transport.spi.PeerMemory;
import io.kvwire.transport.spi.QuantisedRows;
import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Memory of one GPU: what is allocated here, what an inference engine in this process allocated and
 * {@link #adopt} was told of, and what {@link ImportedRegions} opened of other processes.
 *
 * <p>Each copy has two streams of its own as long as it lasts, of the highest priority, so copies
 * run beside the engine's kernels and never wait for them. Long runs are copied one by one; short
 * ones go through a dense buffer on the device, filled or emptied by one launch for thousands of
 * them, the bus busy with one half of it while a kernel works on the other.
 *
 * <p>Addresses of segments are the device's own. Alignments up to 256 bytes are kept.
 *
 * <p>Owns its allocations and streams; the context is the caller's, and is closed after this.
 * Thread-safe.
 *
 * {@snippet :
 * try (var context = Context.of(CudaLibrary.device(0));
 *         var memory = new CudaMemory("cuda:0", context)) {
 *     var layer = memory.adopt(tensorDataPointer, blocks * layout.blockBytes());
 *     var placement = List.of(LayerPlacement.dense(layout, layer, blocks));
 *     node.register("kv", layout, placement, blocks, Access.REMOTE_WRITE, memory);
 * }
 * }
 */
public final class CudaMemory implements DeviceMemory {
    /** Where {@code cuMemAlloc} starts allocations. */
    private static final long ALIGNMENT = 256;

    private final String device;
    private final Context context;
    private final KernelModule module;
    private final KnownRanges known;
    private final PooledRows coding;
    private final CudaNicAccess nicAccess;
    private final ConcurrentHashMap<Long, DeviceBuffer> owned = new ConcurrentHashMap<>();
    private final Set<Long> pinned = ConcurrentHashMap.newKeySet();
    private final LanePool<CudaLane> lanes;
    private final LanePool<PairLane> pairs;
    private final IpcMemory peers = new IpcMemory(this);

    /**
     * Opens a device's memory.
     *
     * @param device its name for people, such as {@code cuda:0}
     * @param context of the device
     * @throws TransferException with the compiler's log where the driver does not take the kernels
     */
    public CudaMemory(String device, Context context) {
        this.device = device;
        this.context = context;
        known = new KnownRanges(device);
        coding = new PooledRows(() -> new CodingLane(context, known));
        nicAccess = new CudaNicAccess(context, known);
        module = context.module(KernelSource.ptx());
        lanes = new LanePool<>(() -> new CudaLane(context, module), CudaLane::close);
        pairs = new LanePool<>(() -> new PairLane(context, module), PairLane::close);
    }

    /** {@return the context} */
    public Context context() {
        return context;
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
        if (alignment > ALIGNMENT) {
            // Over-aligned requests are rare; the driver rounds large allocations up anyway.
            return allocateAligned(bytes, alignment);
        }
        var buffer = context.allocate(bytes);
        return own(buffer, buffer.address(), bytes);
    }

    private MemorySegment allocateAligned(long bytes, long alignment) {
        var buffer = context.allocate(Math.addExact(bytes, alignment));
        long start = (buffer.address() + alignment - 1) & -alignment;
        return own(buffer, start, bytes);
    }

    private MemorySegment own(DeviceBuffer buffer, long start, long bytes) {
        try {
            lanes.use(lane -> lane.zero(start, bytes));
        } catch (RuntimeException | Error e) {
            buffer.close();
            throw e;
        }
        known.add(new AddressRange(start, bytes));
        owned.put(start, buffer);
        return buffer.segment().asSlice(start - buffer.address(), bytes);
    }

    @Override
    public void free(MemorySegment memory) {
        var buffer = owned.remove(memory.address());
        if (buffer == null) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE, "memory that was not allocated here, or freed before");
        }
        known.remove(memory.address());
        buffer.close();
    }

    /**
     * Takes memory that other code of this process owns, such as a tensor of PyTorch.
     *
     * @param address of the device
     * @param bytes from there on; all inside one allocation, which the driver is asked about
     * @return the segment that stands for it, good until {@link #release}
     * @throws TransferException with {@link ErrorCode#OUT_OF_RANGE} when it is no memory of this
     *     device, is not inside one allocation, or overlaps what is known already
     */
    public MemorySegment adopt(long address, long bytes) {
        var owner = context.deviceOf(address);
        if (owner.isEmpty() || owner.getAsInt() != context.device().ordinal()) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    "0x"
                            + Long.toHexString(address)
                            + " is no memory of "
                            + device
                            + (owner.isPresent() ? ", but of cuda:" + owner.getAsInt() : ""));
        }
        var allocation = context.rangeOf(address);
        if (bytes < 1 || !allocation.contains(address, bytes)) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    bytes
                            + " bytes at 0x"
                            + Long.toHexString(address)
                            + " are not inside its allocation of "
                            + allocation.bytes()
                            + " at 0x"
                            + Long.toHexString(allocation.start()));
        }
        return take(address, bytes);
    }

    /** Takes a range that is known to be good. */
    MemorySegment take(long address, long bytes) {
        known.add(new AddressRange(address, bytes));
        return Context.segmentAt(address, bytes);
    }

    /**
     * Ends {@link #adopt}; no transfer may use the memory any more. Its owner frees it.
     *
     * @param memory the same segment
     * @throws TransferException with {@link ErrorCode#OUT_OF_RANGE} when it was not adopted
     */
    public void release(MemorySegment memory) {
        if (owned.containsKey(memory.address()) || !known.remove(memory.address())) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE, "memory that was not adopted, or released before");
        }
    }

    /** {@return the address of a part of a segment, after checking that it is known} */
    long address(MemorySegment segment, long offset, long bytes) {
        return known.find(segment, offset, bytes);
    }

    @Override
    public void gather(RunCursor source, MemorySegment target) {
        lanes.use(lane -> lane.gather(known, source, target));
    }

    @Override
    public void scatter(MemorySegment source, RunCursor target) {
        lanes.use(lane -> lane.scatter(known, source, target));
    }

    /**
     * Copies runs of this memory to others of it, with one launch for thousands of them, and
     * returns when they are there. Either may be of another process.
     *
     * @param source walked to its end
     * @param target at least as many bytes; may be cut in other places
     */
    public void copy(RunCursor source, RunCursor target) {
        start(source, target).close();
    }

    /** As {@link #copy}, and returns at once. */
    PeerMemory.Copy start(RunCursor source, RunCursor target) {
        var lane = pairs.take();
        try {
            lane.start(known, source, target);
            return new Running(lane);
        } catch (RuntimeException | Error e) {
            pairs.give(lane);
            throw e;
        }
    }

    /** A copy within the device. */
    private final class Running implements PeerMemory.Copy {
        private final PairLane lane;
        private boolean closed;

        Running(PairLane lane) {
            this.lane = lane;
        }

        @Override
        public boolean isDone() {
            return lane.isDone();
        }

        @Override
        public void close() {
            if (!closed) {
                closed = true;
                try {
                    lane.await();
                } finally {
                    pairs.give(lane);
                }
            }
        }
    }

    @Override
    public Optional<PeerMemory> peerMemory() {
        return Optional.of(peers);
    }

    /** {@return whether a segment is inside memory that is known} */
    boolean knows(MemorySegment segment) {
        return known.contains(segment);
    }

    @Override
    public Optional<NicAccess> nicAccess() {
        return Optional.of(nicAccess);
    }

    @Override
    public Optional<QuantisedRows> quantisedRows() {
        return Optional.of(coding);
    }

    @Override
    public void pin(MemorySegment host) {
        try {
            context.register(host);
            pinned.add(host.address());
        } catch (TransferException _) {
            // Copies are slower, and right, where the system locks no more memory.
        }
    }

    @Override
    public void unpin(MemorySegment host) {
        if (pinned.remove(host.address())) {
            context.unregister(host);
        }
    }

    @Override
    public void close() {
        peers.close();
        pairs.close();
        lanes.close();
        coding.close();
        owned.values().forEach(DeviceBuffer::close);
        owned.clear();
        known.clear();
        module.close();
    }
}
