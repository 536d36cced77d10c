package io.kvwire.ffi.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.kvwire.ffi.NativeLibrary;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/**
 * The functions of the driver, each by the name that {@code cuda.h} maps its plain name to. To be
 * touched only where {@link CudaLibrary} is present.
 *
 * <p>Handles of the driver ({@code CUcontext}, {@code CUstream}, ...) and addresses of device
 * memory are passed as numbers: the host never follows them. Pointers to memory of the host are
 * segments.
 */
final class Cu {
    private static final NativeLibrary LIBRARY = CudaLibrary.library();

    // CUresult cuInit(unsigned int Flags)
    static final MethodHandle INIT = function("cuInit", JAVA_INT);

    // CUresult cuDriverGetVersion(int *driverVersion)
    static final MethodHandle DRIVER_GET_VERSION = function("cuDriverGetVersion", ADDRESS);

    // CUresult cuDeviceGetCount(int *count)
    static final MethodHandle DEVICE_GET_COUNT = function("cuDeviceGetCount", ADDRESS);

    // CUresult cuDeviceGet(CUdevice *device, int ordinal)
    static final MethodHandle DEVICE_GET = function("cuDeviceGet", ADDRESS, JAVA_INT);

    // CUresult cuDeviceGetName(char *name, int len, CUdevice dev)
    static final MethodHandle DEVICE_GET_NAME =
            function("cuDeviceGetName", ADDRESS, JAVA_INT, JAVA_INT);

    // CUresult cuDeviceGetUuid_v2(CUuuid *uuid, CUdevice dev)
    static final MethodHandle DEVICE_GET_UUID = function("cuDeviceGetUuid_v2", ADDRESS, JAVA_INT);

    // CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice dev)
    static final MethodHandle DEVICE_TOTAL_MEM = function("cuDeviceTotalMem_v2", ADDRESS, JAVA_INT);

    // CUresult cuDeviceGetAttribute(int *pi, CUdevice_attribute attrib, CUdevice dev)
    static final MethodHandle DEVICE_GET_ATTRIBUTE =
            function("cuDeviceGetAttribute", ADDRESS, JAVA_INT, JAVA_INT);

    // CUresult cuDeviceGetPCIBusId(char *pciBusId, int len, CUdevice dev)
    static final MethodHandle DEVICE_GET_PCI_BUS_ID =
            function("cuDeviceGetPCIBusId", ADDRESS, JAVA_INT, JAVA_INT);

    // CUresult cuDeviceCanAccessPeer(int *canAccessPeer, CUdevice dev, CUdevice peerDev)
    static final MethodHandle DEVICE_CAN_ACCESS_PEER =
            function("cuDeviceCanAccessPeer", ADDRESS, JAVA_INT, JAVA_INT);

    // CUresult cuDevicePrimaryCtxRetain(CUcontext *pctx, CUdevice dev)
    static final MethodHandle DEVICE_PRIMARY_CTX_RETAIN =
            function("cuDevicePrimaryCtxRetain", ADDRESS, JAVA_INT);

    // CUresult cuDevicePrimaryCtxRelease_v2(CUdevice dev)
    static final MethodHandle DEVICE_PRIMARY_CTX_RELEASE =
            function("cuDevicePrimaryCtxRelease_v2", JAVA_INT);

    // CUresult cuCtxSetCurrent(CUcontext ctx)
    static final MethodHandle CTX_SET_CURRENT = function("cuCtxSetCurrent", JAVA_LONG);

    // CUresult cuCtxSynchronize(void)
    static final MethodHandle CTX_SYNCHRONIZE = function("cuCtxSynchronize");

    // CUresult cuCtxGetStreamPriorityRange(int *leastPriority, int *greatestPriority)
    static final MethodHandle CTX_GET_STREAM_PRIORITY_RANGE =
            function("cuCtxGetStreamPriorityRange", ADDRESS, ADDRESS);

    // CUresult cuCtxEnablePeerAccess(CUcontext peerContext, unsigned int Flags)
    static final MethodHandle CTX_ENABLE_PEER_ACCESS =
            function("cuCtxEnablePeerAccess", JAVA_LONG, JAVA_INT);

    // CUresult cuMemGetInfo_v2(size_t *free, size_t *total)
    static final MethodHandle MEM_GET_INFO = function("cuMemGetInfo_v2", ADDRESS, ADDRESS);

    // CUresult cuMemAlloc_v2(CUdeviceptr *dptr, size_t bytesize)
    static final MethodHandle MEM_ALLOC = function("cuMemAlloc_v2", ADDRESS, JAVA_LONG);

    // CUresult cuMemFree_v2(CUdeviceptr dptr)
    static final MethodHandle MEM_FREE = function("cuMemFree_v2", JAVA_LONG);

    // CUresult cuMemGetAddressRange_v2(CUdeviceptr *pbase, size_t *psize, CUdeviceptr dptr)
    static final MethodHandle MEM_GET_ADDRESS_RANGE =
            function("cuMemGetAddressRange_v2", ADDRESS, ADDRESS, JAVA_LONG);

    // CUresult cuMemHostAlloc(void **pp, size_t bytesize, unsigned int Flags)
    static final MethodHandle MEM_HOST_ALLOC =
            function("cuMemHostAlloc", ADDRESS, JAVA_LONG, JAVA_INT);

    // CUresult cuMemFreeHost(void *p)
    static final MethodHandle MEM_FREE_HOST = function("cuMemFreeHost", ADDRESS);

    // CUresult cuMemHostRegister_v2(void *p, size_t bytesize, unsigned int Flags)
    static final MethodHandle MEM_HOST_REGISTER =
            function("cuMemHostRegister_v2", ADDRESS, JAVA_LONG, JAVA_INT);

    // CUresult cuMemHostUnregister(void *p)
    static final MethodHandle MEM_HOST_UNREGISTER = function("cuMemHostUnregister", ADDRESS);

    // CUresult cuPointerGetAttribute(void *data, CUpointer_attribute attribute, CUdeviceptr ptr)
    static final MethodHandle POINTER_GET_ATTRIBUTE =
            function("cuPointerGetAttribute", ADDRESS, JAVA_INT, JAVA_LONG);

    // CUresult cuPointerSetAttribute(const void *value, CUpointer_attribute attribute,
    //                                CUdeviceptr ptr)
    static final MethodHandle POINTER_SET_ATTRIBUTE =
            function("cuPointerSetAttribute", ADDRESS, JAVA_INT, JAVA_LONG);

    // CUresult cuMemGetHandleForAddressRange(void *handle, CUdeviceptr dptr, size_t size,
    //                                        CUmemRangeHandleType handleType, unsigned long long
    //                                        flags)
    static final Optional<MethodHandle> MEM_GET_HANDLE_FOR_ADDRESS_RANGE =
            optional(
                    "cuMemGetHandleForAddressRange",
                    ADDRESS,
                    JAVA_LONG,
                    JAVA_LONG,
                    JAVA_INT,
                    JAVA_LONG);

    // CUresult cuFlushGPUDirectRDMAWrites(CUflushGPUDirectRDMAWritesTarget target,
    //                                     CUflushGPUDirectRDMAWritesScope scope)
    static final MethodHandle FLUSH_GPU_DIRECT_RDMA_WRITES =
            function("cuFlushGPUDirectRDMAWrites", JAVA_INT, JAVA_INT);

    // CUresult cuMemGetAllocationGranularity(size_t *granularity, const CUmemAllocationProp
    //                                        *prop, CUmemAllocationGranularity_flags option)
    static final MethodHandle MEM_GET_ALLOCATION_GRANULARITY =
            function("cuMemGetAllocationGranularity", ADDRESS, ADDRESS, JAVA_INT);

    // CUresult cuMemCreate(CUmemGenericAllocationHandle *handle, size_t size, const
    //                      CUmemAllocationProp *prop, unsigned long long flags)
    static final MethodHandle MEM_CREATE =
            function("cuMemCreate", ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG);

    // CUresult cuMemRelease(CUmemGenericAllocationHandle handle)
    static final MethodHandle MEM_RELEASE = function("cuMemRelease", JAVA_LONG);

    // CUresult cuMemAddressReserve(CUdeviceptr *ptr, size_t size, size_t alignment, CUdeviceptr
    //                              addr, unsigned long long flags)
    static final MethodHandle MEM_ADDRESS_RESERVE =
            function("cuMemAddressReserve", ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);

    // CUresult cuMemAddressFree(CUdeviceptr ptr, size_t size)
    static final MethodHandle MEM_ADDRESS_FREE = function("cuMemAddressFree", JAVA_LONG, JAVA_LONG);

    // CUresult cuMemMap(CUdeviceptr ptr, size_t size, size_t offset,
    //                   CUmemGenericAllocationHandle handle, unsigned long long flags)
    static final MethodHandle MEM_MAP =
            function("cuMemMap", JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);

    // CUresult cuMemUnmap(CUdeviceptr ptr, size_t size)
    static final MethodHandle MEM_UNMAP = function("cuMemUnmap", JAVA_LONG, JAVA_LONG);

    // CUresult cuMemSetAccess(CUdeviceptr ptr, size_t size, const CUmemAccessDesc *desc, size_t
    //                         count)
    static final MethodHandle MEM_SET_ACCESS =
            function("cuMemSetAccess", JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG);

    // CUresult cuMemExportToShareableHandle(void *shareableHandle, CUmemGenericAllocationHandle
    //                                       handle, CUmemAllocationHandleType handleType,
    //                                       unsigned long long flags)
    static final MethodHandle MEM_EXPORT_TO_SHAREABLE_HANDLE =
            function("cuMemExportToShareableHandle", ADDRESS, JAVA_LONG, JAVA_INT, JAVA_LONG);

    // CUresult cuMemImportFromShareableHandle(CUmemGenericAllocationHandle *handle, void
    //                                         *osHandle, CUmemAllocationHandleType shHandleType)
    static final MethodHandle MEM_IMPORT_FROM_SHAREABLE_HANDLE =
            function("cuMemImportFromShareableHandle", ADDRESS, ADDRESS, JAVA_INT);

    // CUresult cuMemRetainAllocationHandle(CUmemGenericAllocationHandle *handle, void *addr)
    static final Optional<MethodHandle> MEM_RETAIN_ALLOCATION_HANDLE =
            optional("cuMemRetainAllocationHandle", ADDRESS, ADDRESS);

    // CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr dstDevice, const void *srcHost, size_t
    //                               ByteCount, CUstream hStream)
    static final MethodHandle MEMCPY_HTOD_ASYNC =
            function("cuMemcpyHtoDAsync_v2", JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG);

    // CUresult cuMemcpyDtoHAsync_v2(void *dstHost, CUdeviceptr srcDevice, size_t ByteCount,
    //                               CUstream hStream)
    static final MethodHandle MEMCPY_DTOH_ASYNC =
            function("cuMemcpyDtoHAsync_v2", ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG);

    // CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr dstDevice, CUdeviceptr srcDevice, size_t
    //                               ByteCount, CUstream hStream)
    static final MethodHandle MEMCPY_DTOD_ASYNC =
            function("cuMemcpyDtoDAsync_v2", JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);

    // CUresult cuMemcpyPeerAsync(CUdeviceptr dstDevice, CUcontext dstContext, CUdeviceptr
    //                            srcDevice, CUcontext srcContext, size_t ByteCount, CUstream
    //                            hStream)
    static final MethodHandle MEMCPY_PEER_ASYNC =
            function(
                    "cuMemcpyPeerAsync",
                    JAVA_LONG,
                    JAVA_LONG,
                    JAVA_LONG,
                    JAVA_LONG,
                    JAVA_LONG,
                    JAVA_LONG);

    // CUresult cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D *pCopy, CUstream hStream)
    static final MethodHandle MEMCPY_2D_ASYNC = function("cuMemcpy2DAsync_v2", ADDRESS, JAVA_LONG);

    // CUresult cuMemsetD8Async(CUdeviceptr dstDevice, unsigned char uc, size_t N, CUstream
    //                          hStream)
    static final MethodHandle MEMSET_D8_ASYNC =
            function("cuMemsetD8Async", JAVA_LONG, JAVA_BYTE, JAVA_LONG, JAVA_LONG);

    // CUresult cuMemcpyBatchAsync(CUdeviceptr *dsts, CUdeviceptr *srcs, size_t *sizes, size_t
    //                             count, CUmemcpyAttributes *attrs, size_t *attrsIdxs, size_t
    //                             numAttrs, size_t *failIdx, CUstream hStream)
    static final Optional<MethodHandle> MEMCPY_BATCH_ASYNC =
            optional(
                    "cuMemcpyBatchAsync",
                    ADDRESS,
                    ADDRESS,
                    ADDRESS,
                    JAVA_LONG,
                    ADDRESS,
                    ADDRESS,
                    JAVA_LONG,
                    ADDRESS,
                    JAVA_LONG);

    // CUresult cuMemcpyBatchAsync_v2(CUdeviceptr *dsts, CUdeviceptr *srcs, size_t *sizes, size_t
    //                                count, CUmemcpyAttributes *attrs, size_t *attrsIdxs, size_t
    //                                numAttrs, CUstream hStream)
    static final Optional<MethodHandle> MEMCPY_BATCH_ASYNC_V2 =
            optional(
                    "cuMemcpyBatchAsync_v2",
                    ADDRESS,
                    ADDRESS,
                    ADDRESS,
                    JAVA_LONG,
                    ADDRESS,
                    ADDRESS,
                    JAVA_LONG,
                    JAVA_LONG);

    // CUresult cuStreamCreateWithPriority(CUstream *phStream, unsigned int flags, int priority)
    static final MethodHandle STREAM_CREATE_WITH_PRIORITY =
            function("cuStreamCreateWithPriority", ADDRESS, JAVA_INT, JAVA_INT);

    // CUresult cuStreamDestroy_v2(CUstream hStream)
    static final MethodHandle STREAM_DESTROY = function("cuStreamDestroy_v2", JAVA_LONG);

    // CUresult cuStreamSynchronize(CUstream hStream)
    static final MethodHandle STREAM_SYNCHRONIZE = function("cuStreamSynchronize", JAVA_LONG);

    // CUresult cuStreamQuery(CUstream hStream)
    static final MethodHandle STREAM_QUERY = function("cuStreamQuery", JAVA_LONG);

    // CUresult cuStreamWaitEvent(CUstream hStream, CUevent hEvent, unsigned int Flags)
    static final MethodHandle STREAM_WAIT_EVENT =
            function("cuStreamWaitEvent", JAVA_LONG, JAVA_LONG, JAVA_INT);

    // CUresult cuEventCreate(CUevent *phEvent, unsigned int Flags)
    static final MethodHandle EVENT_CREATE = function("cuEventCreate", ADDRESS, JAVA_INT);

    // CUresult cuEventDestroy_v2(CUevent hEvent)
    static final MethodHandle EVENT_DESTROY = function("cuEventDestroy_v2", JAVA_LONG);

    // CUresult cuEventRecord(CUevent hEvent, CUstream hStream)
    static final MethodHandle EVENT_RECORD = function("cuEventRecord", JAVA_LONG, JAVA_LONG);

    // CUresult cuEventQuery(CUevent hEvent)
    static final MethodHandle EVENT_QUERY = function("cuEventQuery", JAVA_LONG);

    // CUresult cuEventSynchronize(CUevent hEvent)
    static final MethodHandle EVENT_SYNCHRONIZE = function("cuEventSynchronize", JAVA_LONG);

    // CUresult cuEventElapsedTime(float *pMilliseconds, CUevent hStart, CUevent hEnd)
    static final MethodHandle EVENT_ELAPSED_TIME =
            function("cuEventElapsedTime", ADDRESS, JAVA_LONG, JAVA_LONG);

    // CUresult cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned int numOptions,
    //                             CUjit_option *options, void **optionValues)
    static final MethodHandle MODULE_LOAD_DATA_EX =
            function("cuModuleLoadDataEx", ADDRESS, ADDRESS, JAVA_INT, ADDRESS, ADDRESS);

    // CUresult cuModuleUnload(CUmodule hmod)
    static final MethodHandle MODULE_UNLOAD = function("cuModuleUnload", JAVA_LONG);

    // CUresult cuModuleGetFunction(CUfunction *hfunc, CUmodule hmod, const char *name)
    static final MethodHandle MODULE_GET_FUNCTION =
            function("cuModuleGetFunction", ADDRESS, JAVA_LONG, ADDRESS);

    // CUresult cuFuncGetParamInfo(CUfunction func, size_t paramIndex, size_t *paramOffset,
    //                             size_t *paramSize)
    static final Optional<MethodHandle> FUNC_GET_PARAM_INFO =
            optional("cuFuncGetParamInfo", JAVA_LONG, JAVA_LONG, ADDRESS, ADDRESS);

    // CUresult cuLaunchKernel(CUfunction f, unsigned int gridDimX, unsigned int gridDimY,
    //                         unsigned int gridDimZ, unsigned int blockDimX, unsigned int
    //                         blockDimY, unsigned int blockDimZ, unsigned int sharedMemBytes,
    //                         CUstream hStream, void **kernelParams, void **extra)
    static final MethodHandle LAUNCH_KERNEL =
            function(
                    "cuLaunchKernel",
                    JAVA_LONG,
                    JAVA_INT,
                    JAVA_INT,
                    JAVA_INT,
                    JAVA_INT,
                    JAVA_INT,
                    JAVA_INT,
                    JAVA_INT,
                    JAVA_LONG,
                    ADDRESS,
                    ADDRESS);

    // CUresult cuIpcGetMemHandle(CUipcMemHandle *pHandle, CUdeviceptr dptr)
    static final MethodHandle IPC_GET_MEM_HANDLE =
            function("cuIpcGetMemHandle", ADDRESS, JAVA_LONG);

    // CUresult cuIpcOpenMemHandle_v2(CUdeviceptr *pdptr, CUipcMemHandle handle, unsigned int
    //                                Flags)
    static final MethodHandle IPC_OPEN_MEM_HANDLE =
            function("cuIpcOpenMemHandle_v2", ADDRESS, Structs.IPC_HANDLE, JAVA_INT);

    // CUresult cuIpcCloseMemHandle(CUdeviceptr dptr)
    static final MethodHandle IPC_CLOSE_MEM_HANDLE = function("cuIpcCloseMemHandle", JAVA_LONG);

    // CUresult cuIpcGetEventHandle(CUipcEventHandle *pHandle, CUevent event)
    static final MethodHandle IPC_GET_EVENT_HANDLE =
            function("cuIpcGetEventHandle", ADDRESS, JAVA_LONG);

    // CUresult cuIpcOpenEventHandle(CUevent *phEvent, CUipcEventHandle handle)
    static final MethodHandle IPC_OPEN_EVENT_HANDLE =
            function("cuIpcOpenEventHandle", ADDRESS, Structs.IPC_HANDLE);

    private Cu() {}

    private static MethodHandle function(String name, MemoryLayout... parameters) {
        return LIBRARY.function(name, FunctionDescriptor.of(JAVA_INT, parameters));
    }

    /** What only newer drivers have. */
    private static Optional<MethodHandle> optional(String name, MemoryLayout... parameters) {
        return LIBRARY.optionalFunction(name, FunctionDescriptor.of(JAVA_INT, parameters));
    }
}
