package io.kvwire.ffi.levelzero;

/** Numbers of {@code level_zero/ze_api.h}, under their names there. */
final class Constants {
    static final int ZE_STRUCTURE_TYPE_DEVICE_PROPERTIES = 0x3;
    static final int ZE_STRUCTURE_TYPE_COMMAND_QUEUE_GROUP_PROPERTIES = 0x6;
    static final int ZE_STRUCTURE_TYPE_DEVICE_MEMORY_PROPERTIES = 0x7;
    static final int ZE_STRUCTURE_TYPE_CONTEXT_DESC = 0xd;
    static final int ZE_STRUCTURE_TYPE_COMMAND_QUEUE_DESC = 0xe;
    static final int ZE_STRUCTURE_TYPE_DEVICE_MEM_ALLOC_DESC = 0x15;
    static final int ZE_STRUCTURE_TYPE_HOST_MEM_ALLOC_DESC = 0x16;
    static final int ZE_STRUCTURE_TYPE_MEMORY_ALLOCATION_PROPERTIES = 0x17;
    static final int ZE_STRUCTURE_TYPE_EXTERNAL_MEMORY_EXPORT_DESC = 0x18;
    static final int ZE_STRUCTURE_TYPE_EXTERNAL_MEMORY_EXPORT_FD = 0x1a;
    static final int ZE_STRUCTURE_TYPE_MODULE_DESC = 0x1b;
    static final int ZE_STRUCTURE_TYPE_KERNEL_DESC = 0x1d;
    static final int ZE_COMMAND_QUEUE_GROUP_PROPERTY_FLAG_COMPUTE = 1;
    static final int ZE_COMMAND_QUEUE_MODE_SYNCHRONOUS = 1;
    static final int ZE_EXTERNAL_MEMORY_TYPE_FLAG_DMA_BUF = 2;
    static final int ZE_MODULE_FORMAT_IL_SPIRV = 0;
    static final int ZE_MAX_DEVICE_NAME = 256;
    static final int ZE_MAX_DEVICE_UUID_SIZE = 16;
    static final int ZE_MAX_IPC_HANDLE_SIZE = 64;

    private Constants() {}
}
