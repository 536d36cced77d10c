package io.kvwire.ffi.levelzero;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.CStruct;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.util.HexFormat;

/** A device of one of the drivers. Lives as long as the process. Thread-safe. */
public final class Device {
    private static final int MOST_GROUPS = 16;

    private final Functions ze;
    private final MemorySegment driver;
    private final MemorySegment handle;

    Device(Functions ze, MemorySegment driver, MemorySegment handle) {
        this.ze = ze;
        this.driver = driver;
        this.handle = handle;
    }

    Functions functions() {
        return ze;
    }

    MemorySegment driver() {
        return driver;
    }

    MemorySegment handle() {
        return handle;
    }

    /** {@return the device's name in its driver's words} */
    public String name() {
        try (var arena = Arena.ofConfined()) {
            long at = CStruct.offset(Structs.DEVICE_PROPERTIES, "name");
            return properties(arena).getString(at).strip();
        }
    }

    /** {@return 32 hexadecimal digits that name the device in every process of the host} */
    public String uuid() {
        try (var arena = Arena.ofConfined()) {
            long at = CStruct.offset(Structs.DEVICE_PROPERTIES, "uuid");
            var uuid = properties(arena).asSlice(at, Constants.ZE_MAX_DEVICE_UUID_SIZE);
            return HexFormat.of().formatHex(uuid.toArray(JAVA_BYTE));
        }
    }

    /** {@return the largest allocation in bytes} */
    public long largestAllocationBytes() {
        try (var arena = Arena.ofConfined()) {
            return Structs.wide(properties(arena), Structs.DEVICE_PROPERTIES, "maxMemAllocSize");
        }
    }

    private MemorySegment properties(Arena arena) {
        var struct =
                Structs.make(
                        arena,
                        Structs.DEVICE_PROPERTIES,
                        Constants.ZE_STRUCTURE_TYPE_DEVICE_PROPERTIES);
        Functions.check(
                "zeDeviceGetProperties",
                () -> (int) ze.deviceProperties.invokeExact(handle, struct));
        return struct;
    }

    /** {@return the device's memory in bytes, of all its kinds together} */
    public long memoryBytes() {
        try (var arena = Arena.ofConfined()) {
            var layout = Structs.DEVICE_MEMORY_PROPERTIES;
            var array = array(arena, layout, Constants.ZE_STRUCTURE_TYPE_DEVICE_MEMORY_PROPERTIES);
            var count = arena.allocateFrom(JAVA_INT, MOST_GROUPS);
            Functions.check(
                    "zeDeviceGetMemoryProperties",
                    () -> (int) ze.memoryProperties.invokeExact(handle, count, array));
            long bytes = 0;
            for (int i = 0; i < Math.min(MOST_GROUPS, count.get(JAVA_INT, 0)); i++) {
                bytes += Structs.wide(element(array, layout, i), layout, "totalSize");
            }
            return bytes;
        }
    }

    /**
     * {@return the number of the first group of queues that runs kernels}
     *
     * @throws TransferException with {@link ErrorCode#PATH_UNAVAILABLE} where there is none
     */
    int computeOrdinal() {
        try (var arena = Arena.ofConfined()) {
            var layout = Structs.COMMAND_QUEUE_GROUP_PROPERTIES;
            var array =
                    array(
                            arena,
                            layout,
                            Constants.ZE_STRUCTURE_TYPE_COMMAND_QUEUE_GROUP_PROPERTIES);
            var count = arena.allocateFrom(JAVA_INT, MOST_GROUPS);
            Functions.check(
                    "zeDeviceGetCommandQueueGroupProperties",
                    () -> (int) ze.queueGroupProperties.invokeExact(handle, count, array));
            for (int i = 0; i < Math.min(MOST_GROUPS, count.get(JAVA_INT, 0)); i++) {
                int flags = Structs.number(element(array, layout, i), layout, "flags");
                if ((flags & Constants.ZE_COMMAND_QUEUE_GROUP_PROPERTY_FLAG_COMPUTE) != 0) {
                    return i;
                }
            }
            throw new TransferException(
                    ErrorCode.PATH_UNAVAILABLE, name() + " has no queues that run kernels");
        }
    }

    private static MemorySegment array(Arena arena, StructLayout layout, int type) {
        var array = arena.allocate(MemoryLayout.sequenceLayout(MOST_GROUPS, layout));
        for (int i = 0; i < MOST_GROUPS; i++) {
            element(array, layout, i).set(JAVA_INT, 0, type);
        }
        return array;
    }

    private static MemorySegment element(MemorySegment array, StructLayout layout, int index) {
        return array.asSlice(index * layout.byteSize(), layout.byteSize());
    }

    /**
     * {@return whether this device can read and write memory of another}
     *
     * @param peer of the same driver
     */
    public boolean canAccess(Device peer) {
        try (var arena = Arena.ofConfined()) {
            var answer = arena.allocate(JAVA_BYTE);
            Functions.check(
                    "zeDeviceCanAccessPeer",
                    () -> (int) ze.canAccessPeer.invokeExact(handle, peer.handle, answer));
            return answer.get(JAVA_BYTE, 0) != 0;
        }
    }

    @Override
    public String toString() {
        return name();
    }
}
