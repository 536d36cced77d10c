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
import io.kvwire.harness.kernels.KernelQueue;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** A queue of OpenCL, and {@code llama.h} compiled for its device. */
final class OpenClQueue implements KernelQueue<Buffer> {
    /**
     * Outputs of one thread on a processor, whose cores have vectors: two of AVX2, one of AVX-512.
     */
    private static final int WIDE_ON_CPU = 16;

    private final Context context;
    private final Buffers buffers;
    private final CommandQueue queue;
    private final Program program;
    private final int wide;

    /** Of the launch that was given last, where nobody has taken it for a mark. */
    private Optional<Event> last = Optional.empty();

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
    OpenClQueue(Context context, Buffers buffers) {
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
                                    + ROWS
                                    + (device.dividesExactly()
                                            ? " -cl-fp32-correctly-rounded-divide-sqrt"
                                            : ""));
        } catch (RuntimeException | Error e) {
            queue.close();
            throw e;
        }
    }

    @Override
    public Buffer allocate(long bytes) {
        return context.buffer(bytes);
    }

    @Override
    public void free(Buffer buffer) {
        buffer.close();
    }

    @Override
    public Launcher<Buffer> kernel(String name) {
        return new Compiled(program.kernel(name));
    }

    @Override
    public int wide() {
        return wide;
    }

    @Override
    public Place<Buffer> find(MemorySegment memory) {
        var place = buffers.find(memory, 0, memory.byteSize());
        return new Place<>(place.buffer(), place.offset());
    }

    @Override
    public void write(MemorySegment source, Buffer target) {
        queue.write(source, target, 0).close();
    }

    @Override
    public void read(Buffer source, MemorySegment target) {
        queue.read(source, 0, target).close();
    }

    @Override
    public Mark mark() {
        var event = last.orElseThrow();
        last = Optional.empty();
        return new Enqueued(event);
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
    public void close() {
        last.ifPresent(Event::close);
        program.close();
        queue.close();
    }

    private final class Compiled implements Launcher<Buffer> {
        private final Kernel kernel;

        Compiled(Kernel kernel) {
            this.kernel = kernel;
        }

        @Override
        public void memory(int index, Buffer buffer) {
            kernel.argument(index, buffer);
        }

        @Override
        public void value(int index, MemorySegment value) {
            kernel.argument(index, value);
        }

        @Override
        public void launch(long groups) {
            last.ifPresent(Event::close);
            last = Optional.empty();
            last = Optional.of(queue.launch(kernel, groups, KvRows.THREADS_OF_GROUP));
        }

        @Override
        public void close() {
            kernel.close();
        }
    }
}
