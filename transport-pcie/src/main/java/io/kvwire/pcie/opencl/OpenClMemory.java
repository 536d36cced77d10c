package io.kvwire.pcie.opencl;

import io.kvwire.ffi.kernels.KvRows;
import io.kvwire.ffi.opencl.Buffers;
import io.kvwire.ffi.opencl.Context;
import io.kvwire.ffi.opencl.Program;
import io.kvwire.pcie.lanes.LanePool;
import io.kvwire.pcie.lanes.PooledRows;
import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.QuantisedRows;
import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * Buffers of an OpenCL device: of a GPU, of an accelerator, or of PoCL on the CPU.
 *
 * <p>Each copy has a command queue of its own as long as it lasts, so copies run beside the
 * device's computing, and beside each other where it can do that. Long runs are copied one by one;
 * short ones go through a dense buffer on the device, filled or emptied by one launch for thousands
 * of them.
 *
 * <p>Owns its buffers and queues; the context is the caller's, and is closed after this.
 * Thread-safe.
 *
 * {@snippet :
 * try (var context = Context.of(OpenClLibrary.devices().getFirst());
 *         var memory = new OpenClMemory("xpu:0", context)) {
 *     var layer = memory.allocate(blocks * layout.blockBytes(), 4096);
 *     var placement = List.of(LayerPlacement.dense(layout, layer, blocks));
 *     node.register("kv", layout, placement, blocks, Access.REMOTE_WRITE, memory);
 * }
 * }
 */
public final class OpenClMemory implements DeviceMemory {
    private final String device;
    private final Context context;
    private final Buffers buffers;
    private final Program program;
    private final PooledRows coding;
    private final LanePool<RunLane> lanes;

    /**
     * Opens a device's memory.
     *
     * @param device its name for people, such as {@code xpu:0}
     * @param context of the device
     * @throws io.kvwire.transport.TransferException with the compiler's log where the kernels that
     *     gather and scatter do not compile
     */
    public OpenClMemory(String device, Context context) {
        this.device = device;
        this.context = context;
        program = RunLane.compile(context);
        buffers = new Buffers(context);
        coding = new PooledRows(() -> new CodingLane(context, buffers));
        lanes = new LanePool<>(() -> new RunLane(context, program), RunLane::close);
    }

    /** {@return the record by which a segment's buffer is found, for those who launch kernels} */
    public Buffers buffers() {
        return buffers;
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
        // Buffers start where every type of the device may; a larger alignment has no meaning.
        var memory = buffers.allocate(bytes);
        lanes.use(lane -> lane.zero(buffers.find(memory, 0, bytes).buffer()));
        return memory;
    }

    @Override
    public void free(MemorySegment memory) {
        buffers.free(memory);
    }

    @Override
    public void gather(RunCursor source, MemorySegment target) {
        lanes.use(lane -> lane.gather(buffers, source, target));
    }

    @Override
    public void scatter(MemorySegment source, RunCursor target) {
        lanes.use(lane -> lane.scatter(buffers, source, target));
    }

    @Override
    public Optional<QuantisedRows> quantisedRows() {
        // The kernels need groups of a size that every GPU has, and not every other device.
        return context.device().largestGroup() < KvRows.THREADS_OF_GROUP
                ? Optional.empty()
                : Optional.of(coding);
    }

    @Override
    public void close() {
        lanes.close();
        coding.close();
        buffers.close();
        program.close();
    }
}
