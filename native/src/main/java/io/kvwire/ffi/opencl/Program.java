package io.kvwire.ffi.opencl;

import io.kvwire.ffi.CString;
import io.kvwire.ffi.SignalHandlers;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A program that is built for its device. Thread-safe. */
public final class Program implements AutoCloseable {

    private static final int MOST_BUILDS = 5;

    /**
     * PoCL's compiler, LLVM, takes any SIGSEGV of the process for a crash of its own and deletes
     * the file that it is writing. The JVM lives on such signals (safepoints, null checks), so a
     * build may fail for what another thread does; the next one need not.
     */
    private static final String FILE_GONE = "unable to rename temporary";

    private final Device device;
    private final MemorySegment handle;

    /** Takes over the handle, also when the build fails. */
    Program(Device device, MemorySegment handle, String options) {
        this.device = device;
        this.handle = handle;
        int status = build(options);
        for (int n = 1; n < MOST_BUILDS && status != 0 && log().contains(FILE_GONE); n++) {
            status = build(options);
        }
        if (status != 0) {
            var failure = ErrorName.failure("clBuildProgram for " + device.name(), status);
            var log = log();
            close();
            throw log.isEmpty()
                    ? failure
                    : new TransferException(
                            ErrorCode.INTERNAL, failure.getMessage() + "\n" + log.strip());
        }
    }

    private int build(String options) {
        try (var arena = Arena.ofConfined()) {
            var text = arena.allocateFrom(options);
            return SignalHandlers.keeping(() ->
                    Calls.raw(
                            "clBuildProgram",
                            () ->
                                    (int)
                                            Cl.BUILD_PROGRAM.invokeExact(
                                                    handle,
                                                    0,
                                                    MemorySegment.NULL,
                                                    text,
                                                    MemorySegment.NULL,
                                                    MemorySegment.NULL)));
        }
    }

    private String log() {
        try (var arena = Arena.ofConfined()) {
            var size = arena.allocate(ValueLayout.JAVA_LONG);
            if (buildLog(0, MemorySegment.NULL, size) != 0) {
                return "";
            }
            // CString reads no more than 4096 bytes; a compiler's first errors are in those.
            long bytes = size.get(ValueLayout.JAVA_LONG, 0);
            var text = arena.allocate(bytes + 1);
            if (buildLog(bytes, text, MemorySegment.NULL) != 0) {
                return "";
            }
            text.set(ValueLayout.JAVA_BYTE, Math.min(bytes, 4095), (byte) 0);
            return CString.read(text);
        }
    }

    private int buildLog(long bytes, MemorySegment text, MemorySegment size) {
        return Calls.raw(
                "clGetProgramBuildInfo",
                () ->
                        (int)
                                Cl.GET_PROGRAM_BUILD_INFO.invokeExact(
                                        handle,
                                        device.id(),
                                        Constants.CL_PROGRAM_BUILD_LOG,
                                        bytes,
                                        text,
                                        size));
    }

    /**
     * {@return a kernel of the program}
     *
     * @param name the function's name
     * @throws TransferException with {@link ErrorCode#OUT_OF_RANGE} where there is none of that
     *     name
     */
    public Kernel kernel(String name) {
        try (var arena = Arena.ofConfined()) {
            var text = arena.allocateFrom(name);
            return new Kernel(
                    device,
                    name,
                    Calls.object(
                            "clCreateKernel of " + name,
                            status ->
                                    (MemorySegment)
                                            Cl.CREATE_KERNEL.invokeExact(handle, text, status)));
        }
    }

    @Override
    public void close() {
        Calls.status("clReleaseProgram", () -> (int) Cl.RELEASE_PROGRAM.invokeExact(handle));
    }
}
