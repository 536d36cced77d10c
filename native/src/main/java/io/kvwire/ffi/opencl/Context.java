package io.kvwire.ffi.opencl;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.kvwire.ffi.SignalHandlers;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/**
 * A context of one device, from which everything else is made; closed after it. Thread-safe.
 *
 * {@snippet :
 * try (var context = Context.of(device);
 *         var queue = context.queue();
 *         var buffer = context.buffer(1 << 20)) {
 *     try (var written = queue.write(hostMemory, buffer, 0)) {
 *         written.await();
 *     }
 * }
 * }
 */
public final class Context implements AutoCloseable {

    private final Device device;
    private final MemorySegment handle;

    private Context(Device device, MemorySegment handle) {
        this.device = device;
        this.handle = handle;
    }

    /**
     * Makes a context.
     *
     * @param device one of {@link OpenClLibrary#devices()}
     * @return the context; the caller closes it
     * @throws TransferException with the driver's reason
     */
    public static Context of(Device device) {
        try (var arena = Arena.ofConfined()) {
            var devices = arena.allocateFrom(ADDRESS, device.id());
            // Drivers set their compiler up when they make the first one.
            return SignalHandlers.keeping(() ->
                    new Context(
                            device,
                            Calls.object(
                                    "clCreateContext on " + device.name(),
                                    status ->
                                            (MemorySegment)
                                                    Cl.CREATE_CONTEXT.invokeExact(
                                                            MemorySegment.NULL,
                                                            1,
                                                            devices,
                                                            MemorySegment.NULL,
                                                            MemorySegment.NULL,
                                                            status))));
        }
    }

    /** {@return the device} */
    public Device device() {
        return device;
    }

    MemorySegment handle() {
        return handle;
    }

    /** {@return a queue whose commands run one after the other, each with its times} */
    public CommandQueue queue() {
        return new CommandQueue(
                Calls.object(
                        "clCreateCommandQueue",
                        status ->
                                (MemorySegment)
                                        Cl.CREATE_COMMAND_QUEUE.invokeExact(
                                                handle,
                                                device.id(),
                                                Constants.CL_QUEUE_PROFILING_ENABLE,
                                                status)));
    }

    /**
     * Allocates memory of the device.
     *
     * @param bytes at least 1
     * @return the buffer
     * @throws TransferException with {@link ErrorCode#RESOURCE_EXHAUSTED} when there is too little
     */
    public Buffer buffer(long bytes) {
        return buffer(bytes, Constants.CL_MEM_READ_WRITE, MemorySegment.NULL);
    }

    /**
     * Lets the device use memory of the host: in place where it can, as on a CPU or an integrated
     * GPU, else by copies that the driver makes. To be read and written through commands while the
     * buffer is open.
     *
     * @param memory outside the heap, alive until the buffer is closed and its commands are done;
     *     best aligned to 4096 bytes
     * @return the buffer
     */
    public Buffer bufferOver(MemorySegment memory) {
        CommandQueue.requireNative(memory);
        return buffer(
                memory.byteSize(),
                Constants.CL_MEM_READ_WRITE | Constants.CL_MEM_USE_HOST_PTR,
                memory);
    }

    private Buffer buffer(long bytes, long flags, MemorySegment host) {
        return new Buffer(
                Calls.object(
                        "clCreateBuffer of " + bytes + " bytes",
                        status ->
                                (MemorySegment)
                                        Cl.CREATE_BUFFER.invokeExact(
                                                handle, flags, bytes, host, status)),
                bytes);
    }

    /**
     * Allocates memory that host and device address alike, each seeing what the other has written
     * once the command between them is complete.
     *
     * @param bytes at least 1
     * @param alignment a power of two up to 128
     * @return memory that lives until {@link #freeShared}
     * @throws TransferException with {@link ErrorCode#PATH_UNAVAILABLE} where the device
     *     {@linkplain Device#sharesMemory offers} none, {@link ErrorCode#RESOURCE_EXHAUSTED} where
     *     it has too little
     */
    @SuppressWarnings("restricted") // the size is what was asked for
    public MemorySegment sharedMemory(long bytes, int alignment) {
        var memory = device.sharedMemory().allocate(handle, device.id(), bytes, alignment);
        if (memory.equals(MemorySegment.NULL)) {
            throw new TransferException(
                    ErrorCode.RESOURCE_EXHAUSTED,
                    device.name() + " has no " + bytes + " bytes of shared memory left");
        }
        return memory.reinterpret(bytes);
    }

    /**
     * Frees shared memory. Nothing may use it any more.
     *
     * @param memory what {@link #sharedMemory} gave
     */
    public void freeShared(MemorySegment memory) {
        device.sharedMemory().free(handle, memory);
    }

    /**
     * Compiles a program for the device.
     *
     * @param source OpenCL C
     * @param options of the compiler, such as {@code -cl-std=CL1.2}
     * @return the program
     * @throws TransferException with the compiler's log where the source does not compile
     */
    public Program program(String source, String options) {
        try (var arena = Arena.ofConfined()) {
            var text = arena.allocateFrom(source);
            var texts = arena.allocateFrom(ADDRESS, text);
            long bytes = source.getBytes(StandardCharsets.UTF_8).length;
            var lengths = arena.allocateFrom(JAVA_LONG, bytes);
            var program =
                    Calls.object(
                            "clCreateProgramWithSource",
                            status ->
                                    (MemorySegment)
                                            Cl.CREATE_PROGRAM_WITH_SOURCE.invokeExact(
                                                    handle, 1, texts, lengths, status));
            return new Program(device, program, options);
        }
    }

    /**
     * Builds a program from SPIR-V, for drivers of OpenCL 2.1 and newer that take it.
     *
     * @param binary the module
     * @param options of the driver's compiler
     * @return the program
     * @throws TransferException with {@link ErrorCode#PATH_UNAVAILABLE} where the loader is older,
     *     and with the driver's log or error where it takes none
     */
    public Program programOfSpirV(byte[] binary, String options) {
        var create =
                Cl.CREATE_PROGRAM_WITH_IL.orElseThrow(() ->
                        new TransferException(
                                ErrorCode.PATH_UNAVAILABLE,
                                "this ICD loader knows no SPIR-V: compile the source"));
        try (var arena = Arena.ofConfined()) {
            var module = arena.allocateFrom(JAVA_BYTE, binary);
            var program =
                    Calls.object(
                            "clCreateProgramWithIL",
                            status ->
                                    (MemorySegment)
                                            create.invokeExact(
                                                    handle, module, module.byteSize(), status));
            return new Program(device, program, options);
        }
    }

    @Override
    public void close() {
        Calls.status("clReleaseContext", () -> (int) Cl.RELEASE_CONTEXT.invokeExact(handle));
    }
}
