package io.kvwire.harness.xpu;

import io.kvwire.ffi.kernels.KernelSource;
import io.kvwire.ffi.kernels.KvRows;
import io.kvwire.ffi.levelzero.Context;
import io.kvwire.ffi.levelzero.DeviceModule;
import io.kvwire.ffi.levelzero.ImmediateList;
import io.kvwire.ffi.levelzero.Kernel;
import io.kvwire.harness.kernels.KernelQueue;
import io.kvwire.pcie.levelzero.LevelZeroMemory;

import java.lang.foreign.MemorySegment;

/**
 * An immediate list of Level Zero, and the module that ships of {@code llama.h}. Each command is
 * done when its call returns, so there is nothing to wait for.
 */
final class LevelZeroQueue implements KernelQueue<MemorySegment> {
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

    /** Opens a list; the caches lie in the memory that is given. */
    LevelZeroQueue(Context context, LevelZeroMemory caches) {
        this.context = context;
        this.caches = caches;
        bounce = context.allocateHost(BOUNCE_BYTES, ALIGNMENT);
        try {
            list = context.list();
        } catch (RuntimeException | Error e) {
            context.free(bounce);
            throw e;
        }
        try {
            module = context.module(KernelSource.spirVLlama(), "");
        } catch (RuntimeException | Error e) {
            list.close();
            context.free(bounce);
            throw e;
        }
    }

    @Override
    public MemorySegment allocate(long bytes) {
        return context.allocate(bytes, ALIGNMENT);
    }

    @Override
    public void free(MemorySegment buffer) {
        context.free(buffer);
    }

    @Override
    public Launcher<MemorySegment> kernel(String name) {
        return new Built(module.kernel(name, KvRows.THREADS_OF_GROUP));
    }

    /** One result each: neighbours are those of neighbouring threads. */
    @Override
    public int wide() {
        return 1;
    }

    @Override
    public Place<MemorySegment> find(MemorySegment memory) {
        var allocation = caches.allocationOf(memory);
        return new Place<>(allocation, memory.address() - allocation.address());
    }

    @Override
    public void write(MemorySegment source, MemorySegment target) {
        for (long at = 0; at < source.byteSize(); at += BOUNCE_BYTES) {
            long bytes = Math.min(BOUNCE_BYTES, source.byteSize() - at);
            MemorySegment.copy(source, at, bounce, 0, bytes);
            list.copy(bounce.asSlice(0, bytes), target.asSlice(at, bytes));
        }
    }

    @Override
    public void read(MemorySegment source, MemorySegment target) {
        for (long at = 0; at < target.byteSize(); at += BOUNCE_BYTES) {
            long bytes = Math.min(BOUNCE_BYTES, target.byteSize() - at);
            list.copy(source.asSlice(at, bytes), bounce.asSlice(0, bytes));
            MemorySegment.copy(bounce, 0, target, at, bytes);
        }
    }

    @Override
    public Mark mark() {
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
    public void close() {
        list.close();
        module.close();
        context.free(bounce);
    }

    private final class Built implements Launcher<MemorySegment> {
        private final Kernel kernel;

        Built(Kernel kernel) {
            this.kernel = kernel;
        }

        @Override
        public void memory(int index, MemorySegment buffer) {
            kernel.pointer(index, buffer);
        }

        @Override
        public void value(int index, MemorySegment value) {
            kernel.argument(index, value);
        }

        @Override
        public void launch(long groups) {
            list.launch(kernel, Math.toIntExact(groups));
        }

        @Override
        public void close() {
            kernel.close();
        }
    }
}
