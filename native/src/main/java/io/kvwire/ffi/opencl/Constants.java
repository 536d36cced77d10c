package io.kvwire.ffi.opencl;

/**
 * Constants of {@code CL/cl.h} and {@code CL/cl_ext.h}, by their names there; a test asks a C
 * compiler for each.
 */
final class Constants {

    static final int CL_PLATFORM_NAME = 0x0902;
    static final long CL_DEVICE_TYPE_ALL = 0xFFFFFFFFL;
    static final long CL_DEVICE_TYPE_CPU = 1L << 1;
    static final int CL_DEVICE_TYPE = 0x1000;
    static final int CL_DEVICE_MAX_WORK_GROUP_SIZE = 0x1004;
    static final int CL_DEVICE_MAX_MEM_ALLOC_SIZE = 0x1010;
    static final int CL_DEVICE_SINGLE_FP_CONFIG = 0x101B;
    static final int CL_DEVICE_GLOBAL_MEM_SIZE = 0x101F;
    static final int CL_DEVICE_NAME = 0x102B;
    static final int CL_DRIVER_VERSION = 0x102D;
    static final int CL_DEVICE_VERSION = 0x102F;
    static final int CL_DEVICE_SVM_CAPABILITIES = 0x1053;
    static final int CL_DEVICE_SINGLE_DEVICE_SHARED_MEM_CAPABILITIES_INTEL = 0x4192;
    static final long CL_UNIFIED_SHARED_MEMORY_ACCESS_INTEL = 1L;
    static final long CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT = 1L << 7;
    static final long CL_DEVICE_SVM_FINE_GRAIN_BUFFER = 1L << 1;
    static final long CL_QUEUE_PROFILING_ENABLE = 1L << 1;
    static final long CL_MEM_READ_WRITE = 1L;
    static final long CL_MEM_USE_HOST_PTR = 1L << 3;
    static final long CL_MEM_SVM_FINE_GRAIN_BUFFER = 1L << 10;
    static final int CL_PROGRAM_BUILD_LOG = 0x1183;
    static final int CL_EVENT_COMMAND_EXECUTION_STATUS = 0x11D3;
    static final int CL_COMPLETE = 0;
    static final int CL_PROFILING_COMMAND_START = 0x1282;
    static final int CL_PROFILING_COMMAND_END = 0x1283;
    static final int CL_TRUE = 1;
    static final int CL_FALSE = 0;

    private Constants() {}
}
