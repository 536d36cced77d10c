package io.kvwire.ffi.levelzero;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.kvwire.ffi.NativeLibrary;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.invoke.MethodHandle;

/** The functions that a loader exports. To be made only of a loader that is there. */
final class Functions {
    private final NativeLibrary library;

    // ze_result_t zeInit(ze_init_flags_t flags)
    final MethodHandle init;

    // ze_result_t zeDriverGet(uint32_t *pCount, ze_driver_handle_t *phDrivers)
    final MethodHandle driverGet;

    // ze_result_t zeDeviceGet(ze_driver_handle_t hDriver, uint32_t *pCount,
    //                         ze_device_handle_t *phDevices)
    final MethodHandle deviceGet;

    // ze_result_t zeDeviceGetProperties(ze_device_handle_t hDevice,
    //                                   ze_device_properties_t *pDeviceProperties)
    final MethodHandle deviceProperties;

    // ze_result_t zeDeviceGetMemoryProperties(ze_device_handle_t hDevice, uint32_t *pCount,
    //                                         ze_device_memory_properties_t *pMemProperties)
    final MethodHandle memoryProperties;

    // ze_result_t zeDeviceGetCommandQueueGroupProperties(
    //         ze_device_handle_t hDevice, uint32_t *pCount,
    //         ze_command_queue_group_properties_t *pCommandQueueGroupProperties)
    final MethodHandle queueGroupProperties;

    // ze_result_t zeDeviceCanAccessPeer(ze_device_handle_t hDevice,
    //                                   ze_device_handle_t hPeerDevice, ze_bool_t *value)
    final MethodHandle canAccessPeer;

    // ze_result_t zeContextCreate(ze_driver_handle_t hDriver, const ze_context_desc_t *desc,
    //                             ze_context_handle_t *phContext)
    final MethodHandle contextCreate;

    // ze_result_t zeContextDestroy(ze_context_handle_t hContext)
    final MethodHandle contextDestroy;

    // ze_result_t zeCommandListCreateImmediate(ze_context_handle_t hContext,
    //                                          ze_device_handle_t hDevice,
    //                                          const ze_command_queue_desc_t *altdesc,
    //                                          ze_command_list_handle_t *phCommandList)
    final MethodHandle listCreate;

    // ze_result_t zeCommandListDestroy(ze_command_list_handle_t hCommandList)
    final MethodHandle listDestroy;

    // ze_result_t zeCommandListAppendMemoryCopy(
    //         ze_command_list_handle_t hCommandList, void *dstptr, const void *srcptr,
    //         size_t size, ze_event_handle_t hSignalEvent, uint32_t numWaitEvents,
    //         ze_event_handle_t *phWaitEvents)
    final MethodHandle appendCopy;

    // ze_result_t zeCommandListAppendMemoryFill(
    //         ze_command_list_handle_t hCommandList, void *ptr, const void *pattern,
    //         size_t pattern_size, size_t size, ze_event_handle_t hSignalEvent,
    //         uint32_t numWaitEvents, ze_event_handle_t *phWaitEvents)
    final MethodHandle appendFill;

    // ze_result_t zeCommandListAppendLaunchKernel(
    //         ze_command_list_handle_t hCommandList, ze_kernel_handle_t hKernel,
    //         const ze_group_count_t *pLaunchFuncArgs, ze_event_handle_t hSignalEvent,
    //         uint32_t numWaitEvents, ze_event_handle_t *phWaitEvents)
    final MethodHandle appendLaunch;

    // ze_result_t zeMemAllocDevice(ze_context_handle_t hContext,
    //                              const ze_device_mem_alloc_desc_t *device_desc, size_t size,
    //                              size_t alignment, ze_device_handle_t hDevice, void **pptr)
    final MethodHandle allocDevice;

    // ze_result_t zeMemAllocHost(ze_context_handle_t hContext,
    //                            const ze_host_mem_alloc_desc_t *host_desc, size_t size,
    //                            size_t alignment, void **pptr)
    final MethodHandle allocHost;

    // ze_result_t zeMemFree(ze_context_handle_t hContext, void *ptr)
    final MethodHandle free;

    // ze_result_t zeMemGetAllocProperties(ze_context_handle_t hContext, const void *ptr,
    //                                     ze_memory_allocation_properties_t *properties,
    //                                     ze_device_handle_t *phDevice)
    final MethodHandle allocProperties;

    // ze_result_t zeMemGetAddressRange(ze_context_handle_t hContext, const void *ptr,
    //                                  void **pBase, size_t *pSize)
    final MethodHandle addressRange;

    // ze_result_t zeMemGetIpcHandle(ze_context_handle_t hContext, const void *ptr,
    //                               ze_ipc_mem_handle_t *pIpcHandle)
    final MethodHandle getIpc;

    // ze_result_t zeMemOpenIpcHandle(ze_context_handle_t hContext, ze_device_handle_t hDevice,
    //                                ze_ipc_mem_handle_t handle, ze_ipc_memory_flags_t flags,
    //                                void **pptr)
    // The handle is a struct, passed by value.
    final MethodHandle openIpc;

    // ze_result_t zeMemCloseIpcHandle(ze_context_handle_t hContext, const void *ptr)
    final MethodHandle closeIpc;

    // ze_result_t zeModuleCreate(ze_context_handle_t hContext, ze_device_handle_t hDevice,
    //                            const ze_module_desc_t *desc, ze_module_handle_t *phModule,
    //                            ze_module_build_log_handle_t *phBuildLog)
    final MethodHandle moduleCreate;

    // ze_result_t zeModuleDestroy(ze_module_handle_t hModule)
    final MethodHandle moduleDestroy;

    // ze_result_t zeModuleBuildLogGetString(ze_module_build_log_handle_t hModuleBuildLog,
    //                                       size_t *pSize, char *pBuildLog)
    final MethodHandle logText;

    // ze_result_t zeModuleBuildLogDestroy(ze_module_build_log_handle_t hModuleBuildLog)
    final MethodHandle logDestroy;

    // ze_result_t zeKernelCreate(ze_module_handle_t hModule, const ze_kernel_desc_t *desc,
    //                            ze_kernel_handle_t *phKernel)
    final MethodHandle kernelCreate;

    // ze_result_t zeKernelDestroy(ze_kernel_handle_t hKernel)
    final MethodHandle kernelDestroy;

    // ze_result_t zeKernelSetGroupSize(ze_kernel_handle_t hKernel, uint32_t groupSizeX,
    //                                  uint32_t groupSizeY, uint32_t groupSizeZ)
    final MethodHandle setGroupSize;

    // ze_result_t zeKernelSetArgumentValue(ze_kernel_handle_t hKernel, uint32_t argIndex,
    //                                      size_t argSize, const void *pArgValue)
    final MethodHandle setArgument;

    Functions(NativeLibrary library) {
        this.library = library;
        init = bind("zeInit", JAVA_INT);
        driverGet = bind("zeDriverGet", ADDRESS, ADDRESS);
        deviceGet = bind("zeDeviceGet", ADDRESS, ADDRESS, ADDRESS);
        deviceProperties = bind("zeDeviceGetProperties", ADDRESS, ADDRESS);
        memoryProperties = bind("zeDeviceGetMemoryProperties", ADDRESS, ADDRESS, ADDRESS);
        queueGroupProperties =
                bind("zeDeviceGetCommandQueueGroupProperties", ADDRESS, ADDRESS, ADDRESS);
        canAccessPeer = bind("zeDeviceCanAccessPeer", ADDRESS, ADDRESS, ADDRESS);
        contextCreate = bind("zeContextCreate", ADDRESS, ADDRESS, ADDRESS);
        contextDestroy = bind("zeContextDestroy", ADDRESS);
        listCreate = bind("zeCommandListCreateImmediate", ADDRESS, ADDRESS, ADDRESS, ADDRESS);
        listDestroy = bind("zeCommandListDestroy", ADDRESS);
        appendCopy =
                bind(
                        "zeCommandListAppendMemoryCopy",
                        ADDRESS,
                        ADDRESS,
                        ADDRESS,
                        JAVA_LONG,
                        ADDRESS,
                        JAVA_INT,
                        ADDRESS);
        appendFill =
                bind(
                        "zeCommandListAppendMemoryFill",
                        ADDRESS,
                        ADDRESS,
                        ADDRESS,
                        JAVA_LONG,
                        JAVA_LONG,
                        ADDRESS,
                        JAVA_INT,
                        ADDRESS);
        appendLaunch =
                bind(
                        "zeCommandListAppendLaunchKernel",
                        ADDRESS,
                        ADDRESS,
                        ADDRESS,
                        ADDRESS,
                        JAVA_INT,
                        ADDRESS);
        allocDevice =
                bind("zeMemAllocDevice", ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS, ADDRESS);
        allocHost = bind("zeMemAllocHost", ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS);
        free = bind("zeMemFree", ADDRESS, ADDRESS);
        allocProperties = bind("zeMemGetAllocProperties", ADDRESS, ADDRESS, ADDRESS, ADDRESS);
        addressRange = bind("zeMemGetAddressRange", ADDRESS, ADDRESS, ADDRESS, ADDRESS);
        getIpc = bind("zeMemGetIpcHandle", ADDRESS, ADDRESS, ADDRESS);
        openIpc =
                bind(
                        "zeMemOpenIpcHandle",
                        ADDRESS,
                        ADDRESS,
                        Structs.IPC_MEM_HANDLE,
                        JAVA_INT,
                        ADDRESS);
        closeIpc = bind("zeMemCloseIpcHandle", ADDRESS, ADDRESS);
        moduleCreate = bind("zeModuleCreate", ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS);
        moduleDestroy = bind("zeModuleDestroy", ADDRESS);
        logText = bind("zeModuleBuildLogGetString", ADDRESS, ADDRESS, ADDRESS);
        logDestroy = bind("zeModuleBuildLogDestroy", ADDRESS);
        kernelCreate = bind("zeKernelCreate", ADDRESS, ADDRESS, ADDRESS);
        kernelDestroy = bind("zeKernelDestroy", ADDRESS);
        setGroupSize = bind("zeKernelSetGroupSize", ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT);
        setArgument = bind("zeKernelSetArgumentValue", ADDRESS, JAVA_INT, JAVA_LONG, ADDRESS);
    }

    private MethodHandle bind(String name, MemoryLayout... parameters) {
        return library.function(name, FunctionDescriptor.of(JAVA_INT, parameters));
    }

    /** A call that returns a result. */
    @FunctionalInterface
    interface Call {
        int invoke() throws Throwable;
    }

    /** Calls, and throws what went wrong. */
    static void check(String what, Call call) {
        int status = raw(what, call);
        if (status != 0) {
            throw ErrorName.failure(what, status);
        }
    }

    /** The result, for callers to whom some errors are none. */
    static int raw(String what, Call call) {
        try {
            return call.invoke();
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(what + " throws nothing", e);
        }
    }
}
