package io.kvwire.ffi.cuda;

/** Numbers of {@code cuda.h} that the binding uses, under their names there. */
final class Constants {
    static final int CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK = 1;
    static final int CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT = 16;
    static final int CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE = 36;
    static final int CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH = 37;
    static final int CU_DEVICE_ATTRIBUTE_ASYNC_ENGINE_COUNT = 40;
    static final int CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING = 41;
    static final int CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75;
    static final int CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76;
    static final int CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED = 102;
    static final int CU_DEVICE_ATTRIBUTE_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR_SUPPORTED = 103;
    static final int CU_DEVICE_ATTRIBUTE_GPU_DIRECT_RDMA_WITH_CUDA_VMM_SUPPORTED = 110;
    static final int CU_DEVICE_ATTRIBUTE_GPU_DIRECT_RDMA_SUPPORTED = 116;
    static final int CU_DEVICE_ATTRIBUTE_GPU_DIRECT_RDMA_FLUSH_WRITES_OPTIONS = 117;
    static final int CU_DEVICE_ATTRIBUTE_GPU_DIRECT_RDMA_WRITES_ORDERING = 118;
    static final int CU_DEVICE_ATTRIBUTE_DMA_BUF_SUPPORTED = 124;
    static final int CU_DEVICE_ATTRIBUTE_IPC_EVENT_SUPPORTED = 125;

    static final int CU_MEMHOSTALLOC_PORTABLE = 1;
    static final int CU_MEMHOSTREGISTER_PORTABLE = 1;

    static final int CU_STREAM_NON_BLOCKING = 1;
    static final int CU_EVENT_BLOCKING_SYNC = 1;
    static final int CU_EVENT_DISABLE_TIMING = 2;
    static final int CU_EVENT_INTERPROCESS = 4;

    static final int CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS = 1;

    static final int CU_JIT_INFO_LOG_BUFFER = 3;
    static final int CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES = 4;
    static final int CU_JIT_ERROR_LOG_BUFFER = 5;
    static final int CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES = 6;

    static final int CU_MEMORYTYPE_HOST = 1;
    static final int CU_MEMORYTYPE_DEVICE = 2;

    static final int CU_POINTER_ATTRIBUTE_MEMORY_TYPE = 2;
    static final int CU_POINTER_ATTRIBUTE_SYNC_MEMOPS = 6;
    static final int CU_POINTER_ATTRIBUTE_BUFFER_ID = 7;
    static final int CU_POINTER_ATTRIBUTE_IS_MANAGED = 8;
    static final int CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL = 9;
    static final int CU_POINTER_ATTRIBUTE_IS_LEGACY_CUDA_IPC_CAPABLE = 10;

    static final int CU_FLUSH_GPU_DIRECT_RDMA_WRITES_OPTION_HOST = 1;
    static final int CU_FLUSH_GPU_DIRECT_RDMA_WRITES_TARGET_CURRENT_CTX = 0;
    static final int CU_FLUSH_GPU_DIRECT_RDMA_WRITES_TO_OWNER = 100;
    static final int CU_GPU_DIRECT_RDMA_WRITES_ORDERING_OWNER = 100;

    static final int CU_MEM_ALLOCATION_TYPE_PINNED = 1;
    static final int CU_MEM_LOCATION_TYPE_DEVICE = 1;
    static final int CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR = 1;
    static final int CU_MEM_ACCESS_FLAGS_PROT_READWRITE = 3;
    static final int CU_MEM_ALLOC_GRANULARITY_RECOMMENDED = 1;
    static final int CU_MEM_RANGE_HANDLE_TYPE_DMA_BUF_FD = 1;
    static final int CU_MEMCPY_SRC_ACCESS_ORDER_STREAM = 1;

    /** Of {@code CUmemRangeFlags}, which CUDA 12.8 brought. */
    static final int CU_MEM_RANGE_FLAG_DMA_BUF_MAPPING_TYPE_PCIE = 1;

    private Constants() {}
}
