package io.kvwire.harness.xpu;

import io.kvwire.ffi.kernels.KernelSource;
import io.kvwire.ffi.kernels.KvRows;
import io.kvwire.ffi.levelzero.Context;
import io.kvwire.ffi.levelzero.DeviceModule;
import io.kvwire.ffi.levelzero.ImmediateList;
import io.kvwire.ffi.levelzero.Kernel;
import io.kvwire.pcie.levelzero.LevelZeroMemory;

import java.lang.foreign.MemorySegment;

/**
 * An immediate list of Level Zero, and the module that ships of {@code llama.h}. Each command is
 * done when its call returns, so there is nothing to wait for.
 */
final class LevelZeroEngine implements Engine {
    private static final Mark DONE =
            new Mark() {
                @Override
                public void await() {
                    // It is done.
                }

                @Override
                public void close() {
                    // There is nothing to give back.
                }
            };

    /**
     * What goes through at a time; copies from and to other memory of the host are not for sure.
     */
    private static final long BOUNCE_BYTES = 4L << 20;

    private static final long ALIGNMENT = 4096;

    private final Context context;
    private final LevelZeroMemory caches;
    private final ImmediateList list;
    private final DeviceModule module;
    private final MemorySegment bounce;

    private record Held(Context context, MemorySegment segment) implements Memory {
        @Override
        public long bytes() {
            return segment.byteSize();
        }

        @Override
        public void close() {
            context.free(segment);
        }
    }

    private record Built(Kernel kernel) implements Function {
        @Override
        public void argument(int index, Memory memory) {
            kernel.pointer(index, segment(memory));
        }

        @Override
        public void argument(int index, MemorySegment value) {
            kernel.argument(index, value);
        }

        @Override
        public void close() {
            kernel.close();
        }
    }

    LevelZeroEngine(Context context, LevelZeroMemory caches) {
        this.context = context;
        this.caches = caches;
        module = context.module(KernelSource.spirVLlama(), "");
        try {
            list = context.list();
            bounce = context.allocateHost(BOUNCE_BYTES, ALIGNMENT);
        } catch (RuntimeException | Error e) {
            module.close();
            throw e;
        }
    }

    private static MemorySegment segment(Memory memory) {
        return ((Held) memory).segment();
    }

    @Override
    public Memory memory(long bytes) {
        return new Held(context, context.allocate(bytes, ALIGNMENT));
    }

    @Override
    public Function function(String name) {
        return new Built(module.kernel(name, KvRows.THREADS_OF_GROUP));
    }

    @Override
    public Place find(MemorySegment segment) {
        var allocation = caches.allocationOf(segment);
        long offset = segment.address() - allocation.address();
        return new Place(new Held(context, allocation), offset);
    }

    @Override
    public void write(MemorySegment source, Memory target) {
        for (long at = 0; at < source.byteSize(); at += BOUNCE_BYTES) {
            long bytes = Math.min(BOUNCE_BYTES, source.byteSize() - at);
            MemorySegment.copy(source, at, bounce, 0, bytes);
            list.copy(bounce.asSlice(0, bytes), segment(target).asSlice(at, bytes));
        }
    }

    @Override
    public void read(Memory source, MemorySegment target) {
        for (long at = 0; at < target.byteSize(); at += BOUNCE_BYTES) {
            long bytes = Math.min(BOUNCE_BYTES, target.byteSize() - at);
            list.copy(segment(source).asSlice(at, bytes), bounce.asSlice(0, bytes));
            MemorySegment.copy(bounce, 0, target, at, bytes);
        }
    }

    @Override
    public Mark launch(Function function, long groups) {
        list.launch(((Built) function).kernel(), Math.toIntExact(groups));
        return DONE;
    }

    @Override
    public void flush() {
        // All that was given is done.
    }

    @Override
    public void finish() {
        // All that was given is done.
    }

    @Override
    public int wide() {
        return 1;
    }

    @Override
    public void close() {
        list.close();
        module.close();
        context.free(bounce);
    }
}
