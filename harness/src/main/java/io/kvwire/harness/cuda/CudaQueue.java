package io.kvwire.harness.cuda;

import io.kvwire.ffi.cuda.Context;
import io.kvwire.ffi.cuda.DeviceBuffer;
import io.kvwire.ffi.cuda.Event;
import io.kvwire.ffi.cuda.Kernel;
import io.kvwire.ffi.cuda.KernelModule;
import io.kvwire.ffi.cuda.Stream;
import io.kvwire.ffi.kernels.KernelSource;
import io.kvwire.ffi.kernels.KvRows;
import io.kvwire.harness.kernels.KernelQueue;

import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Optional;

/** A stream of a GPU, and the model's kernels there. */
final class CudaQueue implements KernelQueue<CudaQueue.Memory> {
    private final Context context;
    private final Stream stream;
    private final KernelModule module;
    private final ArrayDeque<Event> spare = new ArrayDeque<>();

    /**
     * Memory of the device.
     *
     * @param address where it starts
     * @param owned the allocation; empty for memory of others
     */
    record Memory(long address, Optional<DeviceBuffer> owned) {}

    CudaQueue(Context context) {
        this.context = context;
        stream = context.stream();
        try {
            module = context.module(KernelSource.ptxLlama());
        } catch (RuntimeException | Error e) {
            stream.close();
            throw e;
        }
    }

    @Override
    public Memory allocate(long bytes) {
        var buffer = context.allocate(bytes);
        return new Memory(buffer.address(), Optional.of(buffer));
    }

    @Override
    public void free(Memory buffer) {
        buffer.owned().ifPresent(DeviceBuffer::close);
    }

    @Override
    public Launcher<Memory> kernel(String name) {
        return new CudaKernel(name);
    }

    /** One result each: neighbours are those of neighbouring threads. */
    @Override
    public int wide() {
        return 1;
    }

    @Override
    public Place<Memory> find(MemorySegment memory) {
        var there = new Memory(memory.address(), Optional.empty());
        return new Place<>(there, 0);
    }

    @Override
    public void write(MemorySegment source, Memory target) {
        stream.copyToDevice(source, target.address());
    }

    @Override
    public void read(Memory source, MemorySegment target) {
        stream.copyToHost(source.address(), target);
    }

    @Override
    public Mark mark() {
        var event = spare.isEmpty() ? context.event() : spare.pop();
        stream.record(event);
        return new Mark() {
            @Override
            public void await() {
                event.await();
            }

            @Override
            public void close() {
                spare.push(event);
            }
        };
    }

    @Override
    public void flush() {
        // The driver hands on what it is given.
    }

    @Override
    public void finish() {
        stream.synchronize();
    }

    @Override
    public void close() {
        spare.forEach(Event::close);
        module.close();
        stream.close();
    }

    private final class CudaKernel implements Launcher<Memory> {
        private final Kernel kernel;

        CudaKernel(String name) {
            kernel = module.kernel(name);
        }

        @Override
        public void memory(int index, Memory buffer) {
            kernel.argument(index, buffer.address());
        }

        @Override
        public void value(int index, MemorySegment value) {
            kernel.argument(index, value);
        }

        @Override
        public void launch(long groups) {
            stream.launch(kernel, Math.toIntExact(groups), KvRows.THREADS_OF_GROUP);
        }

        @Override
        public void close() {
            kernel.close();
        }
    }
}
