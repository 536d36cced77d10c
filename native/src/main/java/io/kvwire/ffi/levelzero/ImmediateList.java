package io.kvwire.ffi.levelzero;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Commands that are carried out as they are given: each method returns when its command is done.
 * Several lists run beside each other. Confined to one thread at a time.
 */
public final class ImmediateList implements AutoCloseable {
    private final Functions ze;
    private final MemorySegment handle;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment groups = arena.allocate(Structs.GROUP_COUNT);
    private final MemorySegment pattern = arena.allocate(JAVA_BYTE);

    private ImmediateList(Functions ze, MemorySegment handle) {
        this.ze = ze;
        this.handle = handle;
    }

    static ImmediateList of(Context context) {
        var device = context.device();
        try (var arena = Arena.ofConfined()) {
            var layout = Structs.COMMAND_QUEUE_DESC;
            var desc = Structs.make(arena, layout, Constants.ZE_STRUCTURE_TYPE_COMMAND_QUEUE_DESC);
            Structs.put(desc, layout, "ordinal", device.computeOrdinal());
            Structs.put(desc, layout, "mode", Constants.ZE_COMMAND_QUEUE_MODE_SYNCHRONOUS);
            var made = arena.allocate(ADDRESS);
            var ze = context.functions();
            Functions.check(
                    "zeCommandListCreateImmediate",
                    () ->
                            (int)
                                    ze.listCreate.invokeExact(
                                            context.handle(), device.handle(), desc, made));
            return new ImmediateList(ze, made.get(ADDRESS, 0));
        }
    }

    /**
     * Copies between the host and the device, or within either.
     *
     * @param source as many bytes as the target
     * @param target filled
     */
    public void copy(MemorySegment source, MemorySegment target) {
        if (source.byteSize() != target.byteSize()) {
            throw new IllegalArgumentException(
                    source.byteSize() + " bytes into " + target.byteSize());
        }
        Functions.check(
                "zeCommandListAppendMemoryCopy of " + source.byteSize() + " bytes",
                () ->
                        (int)
                                ze.appendCopy.invokeExact(
                                        handle,
                                        target,
                                        source,
                                        source.byteSize(),
                                        MemorySegment.NULL,
                                        0,
                                        MemorySegment.NULL));
    }

    /**
     * Sets every byte.
     *
     * @param target of the device
     * @param value of each byte
     */
    public void fill(MemorySegment target, byte value) {
        pattern.set(JAVA_BYTE, 0, value);
        Functions.check(
                "zeCommandListAppendMemoryFill of " + target.byteSize() + " bytes",
                () ->
                        (int)
                                ze.appendFill.invokeExact(
                                        handle,
                                        target,
                                        pattern,
                                        1L,
                                        target.byteSize(),
                                        MemorySegment.NULL,
                                        0,
                                        MemorySegment.NULL));
    }

    /**
     * Launches a kernel over one dimension.
     *
     * @param kernel with its group size and all arguments set
     * @param count groups, at least 1
     */
    public void launch(Kernel kernel, int count) {
        Structs.put(groups, Structs.GROUP_COUNT, "groupCountX", count);
        Structs.put(groups, Structs.GROUP_COUNT, "groupCountY", 1);
        Structs.put(groups, Structs.GROUP_COUNT, "groupCountZ", 1);
        Functions.check(
                "launch of " + kernel.name() + ", " + count + " groups",
                () ->
                        (int)
                                ze.appendLaunch.invokeExact(
                                        handle,
                                        kernel.handle(),
                                        groups,
                                        MemorySegment.NULL,
                                        0,
                                        MemorySegment.NULL));
    }

    @Override
    public void close() {
        Functions.check("zeCommandListDestroy", () -> (int) ze.listDestroy.invokeExact(handle));
        arena.close();
    }
}
