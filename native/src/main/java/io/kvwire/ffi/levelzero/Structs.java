package io.kvwire.ffi.levelzero;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.StructLayout;

/** The structs of {@code level_zero/ze_api.h}; a test compares them with a C compiler's. */
final class Structs {

    static final StructLayout CONTEXT_DESC =
            extensible("ze_context_desc_t", JAVA_INT.withName("flags"));

    static final StructLayout COMMAND_QUEUE_DESC =
            extensible(
                    "ze_command_queue_desc_t",
                    JAVA_INT.withName("ordinal"),
                    JAVA_INT.withName("index"),
                    JAVA_INT.withName("flags"),
                    JAVA_INT.withName("mode"),
                    JAVA_INT.withName("priority"));

    static final StructLayout DEVICE_PROPERTIES =
            extensible(
                    "ze_device_properties_t",
                    JAVA_INT.withName("type"),
                    JAVA_INT.withName("vendorId"),
                    JAVA_INT.withName("deviceId"),
                    JAVA_INT.withName("flags"),
                    JAVA_INT.withName("subdeviceId"),
                    JAVA_INT.withName("coreClockRate"),
                    JAVA_LONG.withName("maxMemAllocSize"),
                    JAVA_INT.withName("maxHardwareContexts"),
                    JAVA_INT.withName("maxCommandQueuePriority"),
                    JAVA_INT.withName("numThreadsPerEU"),
                    JAVA_INT.withName("physicalEUSimdWidth"),
                    JAVA_INT.withName("numEUsPerSubslice"),
                    JAVA_INT.withName("numSubslicesPerSlice"),
                    JAVA_INT.withName("numSlices"),
                    JAVA_LONG.withName("timerResolution"),
                    JAVA_INT.withName("timestampValidBits"),
                    JAVA_INT.withName("kernelTimestampValidBits"),
                    bytes("uuid", Constants.ZE_MAX_DEVICE_UUID_SIZE),
                    bytes("name", Constants.ZE_MAX_DEVICE_NAME));

    static final StructLayout DEVICE_MEMORY_PROPERTIES =
            extensible(
                    "ze_device_memory_properties_t",
                    JAVA_INT.withName("flags"),
                    JAVA_INT.withName("maxClockRate"),
                    JAVA_INT.withName("maxBusWidth"),
                    JAVA_LONG.withName("totalSize"),
                    bytes("name", Constants.ZE_MAX_DEVICE_NAME));

    static final StructLayout COMMAND_QUEUE_GROUP_PROPERTIES =
            extensible(
                    "ze_command_queue_group_properties_t",
                    JAVA_INT.withName("flags"),
                    JAVA_LONG.withName("maxMemoryFillPatternSize"),
                    JAVA_INT.withName("numQueues"));

    static final StructLayout DEVICE_MEM_ALLOC_DESC =
            extensible(
                    "ze_device_mem_alloc_desc_t",
                    JAVA_INT.withName("flags"),
                    JAVA_INT.withName("ordinal"));

    static final StructLayout HOST_MEM_ALLOC_DESC =
            extensible("ze_host_mem_alloc_desc_t", JAVA_INT.withName("flags"));

    static final StructLayout MEMORY_ALLOCATION_PROPERTIES =
            extensible(
                    "ze_memory_allocation_properties_t",
                    JAVA_INT.withName("type"),
                    JAVA_LONG.withName("id"),
                    JAVA_LONG.withName("pageSize"));

    static final StructLayout EXTERNAL_MEMORY_EXPORT_DESC =
            extensible("ze_external_memory_export_desc_t", JAVA_INT.withName("flags"));

    static final StructLayout EXTERNAL_MEMORY_EXPORT_FD =
            extensible(
                    "ze_external_memory_export_fd_t",
                    JAVA_INT.withName("flags"),
                    JAVA_INT.withName("fd"));

    static final StructLayout MODULE_DESC =
            extensible(
                    "ze_module_desc_t",
                    JAVA_INT.withName("format"),
                    JAVA_LONG.withName("inputSize"),
                    ADDRESS.withName("pInputModule"),
                    ADDRESS.withName("pBuildFlags"),
                    ADDRESS.withName("pConstants"));

    static final StructLayout KERNEL_DESC =
            extensible(
                    "ze_kernel_desc_t",
                    JAVA_INT.withName("flags"),
                    ADDRESS.withName("pKernelName"));

    static final StructLayout GROUP_COUNT =
            CStruct.of(
                    "ze_group_count_t",
                    JAVA_INT.withName("groupCountX"),
                    JAVA_INT.withName("groupCountY"),
                    JAVA_INT.withName("groupCountZ"));

    static final StructLayout IPC_MEM_HANDLE =
            CStruct.of("ze_ipc_mem_handle_t", bytes("data", Constants.ZE_MAX_IPC_HANDLE_SIZE));

    private Structs() {}

    /** A struct that begins with its type and the next one of a chain. */
    private static StructLayout extensible(String name, MemoryLayout... fields) {
        var all = new MemoryLayout[fields.length + 2];
        all[0] = JAVA_INT.withName("stype");
        all[1] = ADDRESS.withName("pNext");
        System.arraycopy(fields, 0, all, 2, fields.length);
        return CStruct.of(name, all);
    }

    private static MemoryLayout bytes(String name, int count) {
        return MemoryLayout.sequenceLayout(count, JAVA_BYTE).withName(name);
    }

    /** Makes a struct of zeros but for its type. */
    static MemorySegment make(SegmentAllocator in, StructLayout layout, int type) {
        var struct = in.allocate(layout);
        struct.set(JAVA_INT, 0, type);
        return struct;
    }

    static void put(MemorySegment struct, StructLayout layout, String field, int value) {
        struct.set(JAVA_INT, CStruct.offset(layout, field), value);
    }

    static void put(MemorySegment struct, StructLayout layout, String field, long value) {
        struct.set(JAVA_LONG, CStruct.offset(layout, field), value);
    }

    static void put(MemorySegment struct, StructLayout layout, String field, MemorySegment value) {
        struct.set(ADDRESS, CStruct.offset(layout, field), value);
    }

    static int number(MemorySegment struct, StructLayout layout, String field) {
        return struct.get(JAVA_INT, CStruct.offset(layout, field));
    }

    static long wide(MemorySegment struct, StructLayout layout, String field) {
        return struct.get(JAVA_LONG, CStruct.offset(layout, field));
    }
}
