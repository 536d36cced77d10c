package io.kvwire.ffi.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.kvwire.ffi.CString;
import io.kvwire.transport.TransferException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Compiled kernels. Closed after the last launch of one of them is done. Thread-safe. */
public final class KernelModule implements AutoCloseable {
    private static final int LOG_BYTES = 4000;
    private static final int OPTIONS = 4;

    private final Context context;
    private final long handle;

    private KernelModule(Context context, long handle) {
        this.context = context;
        this.handle = handle;
    }

    static KernelModule load(Context context, String ptx) {
        context.enter();
        try (var arena = Arena.ofConfined()) {
            var image = arena.allocateFrom(ptx);
            var errors = arena.allocate(LOG_BYTES + 1);
            var log = arena.allocate(LOG_BYTES + 1);
            var options =
                    arena.allocateFrom(
                            JAVA_INT,
                            Constants.CU_JIT_ERROR_LOG_BUFFER,
                            Constants.CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES,
                            Constants.CU_JIT_INFO_LOG_BUFFER,
                            Constants.CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES);
            var values = arena.allocate(ADDRESS, OPTIONS);
            values.setAtIndex(ADDRESS, 0, errors);
            values.setAtIndex(JAVA_LONG, 1, LOG_BYTES);
            values.setAtIndex(ADDRESS, 2, log);
            values.setAtIndex(JAVA_LONG, 3, LOG_BYTES);
            var module = arena.allocate(JAVA_LONG);
            int status =
                    Calls.raw(
                            "cuModuleLoadDataEx",
                            () ->
                                    (int)
                                            Cu.MODULE_LOAD_DATA_EX.invokeExact(
                                                    module, image, OPTIONS, options, values));
            if (status != 0) {
                throw failure(status, CString.read(errors) + CString.read(log));
            }
            return new KernelModule(context, module.get(JAVA_LONG, 0));
        }
    }

    private static TransferException failure(int status, String log) {
        var failure = Result.failure("cuModuleLoadDataEx", status);
        return log.isBlank()
                ? failure
                : new TransferException(
                        failure.code(), failure.getMessage() + ". The compiler: " + log.strip());
    }

    /**
     * {@return a kernel of the module}
     *
     * @param name its name
     * @throws TransferException when there is none of that name
     */
    public Kernel kernel(String name) {
        context.enter();
        try (var arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocateFrom(name);
            long function =
                    Calls.number(
                            "cuModuleGetFunction of " + name,
                            at -> (int) Cu.MODULE_GET_FUNCTION.invokeExact(at, handle, text));
            return new Kernel(name, function);
        }
    }

    @Override
    public void close() {
        context.enter();
        Calls.status("cuModuleUnload", () -> (int) Cu.MODULE_UNLOAD.invokeExact(handle));
    }
}
