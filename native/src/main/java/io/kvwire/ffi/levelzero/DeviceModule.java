package io.kvwire.ffi.levelzero;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.kvwire.ffi.CString;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Device code that is built for its device. Thread-safe. */
public final class DeviceModule implements AutoCloseable {
    /** A compiler's first errors are in so many bytes of its log. */
    private static final long MOST_LOG_BYTES = 4096;

    private final Functions ze;
    private final MemorySegment handle;

    private DeviceModule(Functions ze, MemorySegment handle) {
        this.ze = ze;
        this.handle = handle;
    }

    static DeviceModule build(Context context, byte[] spirV, String options) {
        var ze = context.functions();
        try (var arena = Arena.ofConfined()) {
            var layout = Structs.MODULE_DESC;
            var desc = Structs.make(arena, layout, Constants.ZE_STRUCTURE_TYPE_MODULE_DESC);
            Structs.put(desc, layout, "format", Constants.ZE_MODULE_FORMAT_IL_SPIRV);
            Structs.put(desc, layout, "inputSize", (long) spirV.length);
            Structs.put(desc, layout, "pInputModule", arena.allocateFrom(JAVA_BYTE, spirV));
            Structs.put(desc, layout, "pBuildFlags", arena.allocateFrom(options));
            var made = arena.allocate(ADDRESS);
            var log = arena.allocate(ADDRESS);
            int status =
                    Functions.raw(
                            "zeModuleCreate",
                            () ->
                                    (int)
                                            ze.moduleCreate.invokeExact(
                                                    context.handle(),
                                                    context.device().handle(),
                                                    desc,
                                                    made,
                                                    log));
            var text = takeLog(ze, log.get(ADDRESS, 0));
            if (status != 0) {
                var failure = ErrorName.failure("zeModuleCreate", status);
                throw text.isBlank()
                        ? failure
                        : new TransferException(
                                failure.code(), failure.getMessage() + "\n" + text.strip());
            }
            return new DeviceModule(ze, made.get(ADDRESS, 0));
        }
    }

    private static String takeLog(Functions ze, MemorySegment log) {
        if (log.equals(MemorySegment.NULL)) {
            return "";
        }
        try (var arena = Arena.ofConfined()) {
            var size = arena.allocate(JAVA_LONG);
            Functions.check(
                    "zeModuleBuildLogGetString",
                    () -> (int) ze.logText.invokeExact(log, size, MemorySegment.NULL));
            long bytes = size.get(JAVA_LONG, 0);
            var text = arena.allocate(Math.max(bytes, MOST_LOG_BYTES));
            Functions.check(
                    "zeModuleBuildLogGetString",
                    () -> (int) ze.logText.invokeExact(log, size, text));
            text.set(JAVA_BYTE, MOST_LOG_BYTES - 1, (byte) 0);
            return CString.read(text);
        } finally {
            Functions.check("zeModuleBuildLogDestroy", () -> (int) ze.logDestroy.invokeExact(log));
        }
    }

    /**
     * {@return a kernel of the module}
     *
     * @param name the function's name
     * @param groupSize threads of each group
     * @throws TransferException with {@link ErrorCode#OUT_OF_RANGE} where there is none of that
     *     name, or the device has no such groups
     */
    public Kernel kernel(String name, int groupSize) {
        try (var arena = Arena.ofConfined()) {
            var layout = Structs.KERNEL_DESC;
            var desc = Structs.make(arena, layout, Constants.ZE_STRUCTURE_TYPE_KERNEL_DESC);
            Structs.put(desc, layout, "pKernelName", arena.allocateFrom(name));
            var made = arena.allocate(ADDRESS);
            Functions.check(
                    "zeKernelCreate of " + name,
                    () -> (int) ze.kernelCreate.invokeExact(handle, desc, made));
            var kernel = new Kernel(ze, name, made.get(ADDRESS, 0));
            try {
                kernel.groupSize(groupSize);
            } catch (RuntimeException e) {
                kernel.close();
                throw e;
            }
            return kernel;
        }
    }

    @Override
    public void close() {
        Functions.check("zeModuleDestroy", () -> (int) ze.moduleDestroy.invokeExact(handle));
    }
}
