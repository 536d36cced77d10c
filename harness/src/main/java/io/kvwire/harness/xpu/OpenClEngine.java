package io.kvwire.harness.xpu;

import io.kvwire.ffi.kernels.KernelSource;
import io.kvwire.ffi.kernels.KvRows;
import io.kvwire.ffi.opencl.Buffer;
import io.kvwire.ffi.opencl.Buffers;
import io.kvwire.ffi.opencl.CommandQueue;
import io.kvwire.ffi.opencl.Context;
import io.kvwire.ffi.opencl.Event;
import io.kvwire.ffi.opencl.Kernel;
import io.kvwire.ffi.opencl.Program;

import java.lang.foreign.MemorySegment;

/** A queue of OpenCL, and {@code llama.h} compiled for its device. */
final class OpenClEngine implements Engine {
    /**
     * Outputs of one thread on a processor, whose cores have vectors: two of AVX2, one of AVX-512.
     */
    private static final int WIDE_ON_CPU = 16;

    private final Context context;
    private final Buffers buffers;
    private final CommandQueue queue;
    private final Program program;
    private final int wide;

    /** A buffer; closed where it was made, so not by caches, which have theirs from elsewhere. */
    private record Held(Buffer buffer) implements Memory {
        @Override
        public long bytes() {
            return buffer.bytes();
        }

        @Override
        public void close() {
            buffer.close();
        }
    }

    private record Compiled(Kernel kernel) implements Function {
        @Override
        public void argument(int index, Memory memory) {
            kernel.argument(index, buffer(memory));
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

    private record Enqueued(Event event) implements Mark {
        @Override
        public void await() {
            event.await();
        }

        @Override
        public void close() {
            event.close();
        }
    }

    /** Opens a queue; the caches lie in the buffers that are given. */
    OpenClEngine(Context context, Buffers buffers) {
        this.context = context;
        this.buffers = buffers;
        queue = context.queue();
        var device = context.device();
        wide = device.isCpu() ? WIDE_ON_CPU : 1;
        try {
            program =
                    context.program(
                            KernelSource.openClLlama(),
                            "-cl-std=CL1.2 -DLLAMA_WIDE="
                                    + wide
                                    + " -DLLAMA_ROWS="
                                    + Kernels.ROWS
                                    + (device.dividesExactly()
                                            ? " -cl-fp32-correctly-rounded-divide-sqrt"
                                            : ""));
        } catch (RuntimeException | Error e) {
            queue.close();
            throw e;
        }
    }

    private static Buffer buffer(Memory memory) {
        return ((Held) memory).buffer();
    }

    @Override
    public Memory memory(long bytes) {
        return new Held(context.buffer(bytes));
    }

    @Override
    public Function function(String name) {
        return new Compiled(program.kernel(name));
    }

    @Override
    public Place find(MemorySegment segment) {
        var place = buffers.find(segment, 0, segment.byteSize());
        return new Place(new Held(place.buffer()), place.offset());
    }

    @Override
    public void write(MemorySegment source, Memory target) {
        queue.write(source, buffer(target), 0).close();
    }

    @Override
    public void read(Memory source, MemorySegment target) {
        queue.read(buffer(source), 0, target).close();
    }

    @Override
    public Mark launch(Function function, long groups) {
        var kernel = ((Compiled) function).kernel();
        return new Enqueued(queue.launch(kernel, groups, KvRows.THREADS_OF_GROUP));
    }

    @Override
    public void flush() {
        queue.flush();
    }

    @Override
    public void finish() {
        queue.finish();
    }

    @Override
    public int wide() {
        return wide;
    }

    @Override
    public void close() {
        program.close();
        queue.close();
    }
}
