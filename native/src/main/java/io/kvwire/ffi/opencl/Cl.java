package io.kvwire.ffi.opencl;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.kvwire.ffi.NativeLibrary;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/**
 * The functions that the ICD loader exports. To be touched only where {@link OpenClLibrary} is
 * present.
 */
final class Cl {

    private static final NativeLibrary LIBRARY = OpenClLibrary.library();

    // cl_int clGetPlatformIDs(cl_uint num_entries, cl_platform_id *platforms,
    //                         cl_uint *num_platforms)
    static final MethodHandle GET_PLATFORM_IDS =
            status("clGetPlatformIDs", JAVA_INT, ADDRESS, ADDRESS);

    // cl_int clGetPlatformInfo(cl_platform_id platform, cl_platform_info param_name,
    //                          size_t param_value_size, void *param_value,
    //                          size_t *param_value_size_ret)
    static final MethodHandle GET_PLATFORM_INFO = info("clGetPlatformInfo");

    // cl_int clGetDeviceIDs(cl_platform_id platform, cl_device_type device_type,
    //                       cl_uint num_entries, cl_device_id *devices, cl_uint *num_devices)
    static final MethodHandle GET_DEVICE_IDS =
            status("clGetDeviceIDs", ADDRESS, JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS);

    // cl_int clGetDeviceInfo(cl_device_id device, cl_device_info param_name,
    //                        size_t param_value_size, void *param_value,
    //                        size_t *param_value_size_ret)
    static final MethodHandle GET_DEVICE_INFO = info("clGetDeviceInfo");

    // cl_context clCreateContext(const cl_context_properties *properties, cl_uint num_devices,
    //                            const cl_device_id *devices, void (*pfn_notify)(...),
    //                            void *user_data, cl_int *errcode_ret)
    static final MethodHandle CREATE_CONTEXT =
            object("clCreateContext", ADDRESS, JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS);

    // cl_int clReleaseContext(cl_context context)
    static final MethodHandle RELEASE_CONTEXT = status("clReleaseContext", ADDRESS);

    // cl_command_queue clCreateCommandQueue(cl_context context, cl_device_id device,
    //                                       cl_command_queue_properties properties,
    //                                       cl_int *errcode_ret)
    // Of OpenCL 1; the newer one takes the same bits in a list, and only drivers of 2.0 have it.
    static final MethodHandle CREATE_COMMAND_QUEUE =
            object("clCreateCommandQueue", ADDRESS, ADDRESS, JAVA_LONG, ADDRESS);

    // cl_int clReleaseCommandQueue(cl_command_queue command_queue)
    static final MethodHandle RELEASE_COMMAND_QUEUE = status("clReleaseCommandQueue", ADDRESS);

    // cl_int clFlush(cl_command_queue command_queue)
    static final MethodHandle FLUSH = status("clFlush", ADDRESS);

    // cl_int clFinish(cl_command_queue command_queue)
    static final MethodHandle FINISH = status("clFinish", ADDRESS);

    // cl_mem clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size, void *host_ptr,
    //                       cl_int *errcode_ret)
    static final MethodHandle CREATE_BUFFER =
            object("clCreateBuffer", ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS, ADDRESS);

    // cl_int clReleaseMemObject(cl_mem memobj)
    static final MethodHandle RELEASE_MEM_OBJECT = status("clReleaseMemObject", ADDRESS);

    // cl_int clEnqueueReadBuffer(cl_command_queue command_queue, cl_mem buffer,
    //                            cl_bool blocking_read, size_t offset, size_t size, void *ptr,
    //                            cl_uint num_events_in_wait_list,
    //                            const cl_event *event_wait_list, cl_event *event)
    static final MethodHandle ENQUEUE_READ_BUFFER = transfer("clEnqueueReadBuffer");

    // cl_int clEnqueueWriteBuffer(cl_command_queue command_queue, cl_mem buffer,
    //                             cl_bool blocking_write, size_t offset, size_t size,
    //                             const void *ptr, cl_uint num_events_in_wait_list,
    //                             const cl_event *event_wait_list, cl_event *event)
    static final MethodHandle ENQUEUE_WRITE_BUFFER = transfer("clEnqueueWriteBuffer");

    // cl_int clEnqueueCopyBuffer(cl_command_queue command_queue, cl_mem src_buffer,
    //                            cl_mem dst_buffer, size_t src_offset, size_t dst_offset,
    //                            size_t size, cl_uint num_events_in_wait_list,
    //                            const cl_event *event_wait_list, cl_event *event)
    static final MethodHandle ENQUEUE_COPY_BUFFER =
            status(
                    "clEnqueueCopyBuffer",
                    ADDRESS,
                    ADDRESS,
                    ADDRESS,
                    JAVA_LONG,
                    JAVA_LONG,
                    JAVA_LONG,
                    JAVA_INT,
                    ADDRESS,
                    ADDRESS);

    // cl_int clEnqueueFillBuffer(cl_command_queue command_queue, cl_mem buffer,
    //                            const void *pattern, size_t pattern_size, size_t offset,
    //                            size_t size, cl_uint num_events_in_wait_list,
    //                            const cl_event *event_wait_list, cl_event *event)
    static final MethodHandle ENQUEUE_FILL_BUFFER =
            status(
                    "clEnqueueFillBuffer",
                    ADDRESS,
                    ADDRESS,
                    ADDRESS,
                    JAVA_LONG,
                    JAVA_LONG,
                    JAVA_LONG,
                    JAVA_INT,
                    ADDRESS,
                    ADDRESS);

    // cl_int clEnqueueNDRangeKernel(cl_command_queue command_queue, cl_kernel kernel,
    //                               cl_uint work_dim, const size_t *global_work_offset,
    //                               const size_t *global_work_size,
    //                               const size_t *local_work_size,
    //                               cl_uint num_events_in_wait_list,
    //                               const cl_event *event_wait_list, cl_event *event)
    static final MethodHandle ENQUEUE_ND_RANGE_KERNEL =
            status(
                    "clEnqueueNDRangeKernel",
                    ADDRESS,
                    ADDRESS,
                    JAVA_INT,
                    ADDRESS,
                    ADDRESS,
                    ADDRESS,
                    JAVA_INT,
                    ADDRESS,
                    ADDRESS);

    // cl_program clCreateProgramWithSource(cl_context context, cl_uint count,
    //                                      const char **strings, const size_t *lengths,
    //                                      cl_int *errcode_ret)
    static final MethodHandle CREATE_PROGRAM_WITH_SOURCE =
            object("clCreateProgramWithSource", ADDRESS, JAVA_INT, ADDRESS, ADDRESS, ADDRESS);

    // cl_program clCreateProgramWithIL(cl_context context, const void *il, size_t length,
    //                                  cl_int *errcode_ret)
    // Since OpenCL 2.1.
    static final Optional<MethodHandle> CREATE_PROGRAM_WITH_IL =
            LIBRARY.optionalFunction(
                    "clCreateProgramWithIL",
                    FunctionDescriptor.of(ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS));

    // cl_int clBuildProgram(cl_program program, cl_uint num_devices,
    //                       const cl_device_id *device_list, const char *options,
    //                       void (*pfn_notify)(cl_program, void *), void *user_data)
    static final MethodHandle BUILD_PROGRAM =
            status("clBuildProgram", ADDRESS, JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS);

    // cl_int clGetProgramBuildInfo(cl_program program, cl_device_id device,
    //                              cl_program_build_info param_name, size_t param_value_size,
    //                              void *param_value, size_t *param_value_size_ret)
    static final MethodHandle GET_PROGRAM_BUILD_INFO =
            status(
                    "clGetProgramBuildInfo",
                    ADDRESS,
                    ADDRESS,
                    JAVA_INT,
                    JAVA_LONG,
                    ADDRESS,
                    ADDRESS);

    // cl_int clReleaseProgram(cl_program program)
    static final MethodHandle RELEASE_PROGRAM = status("clReleaseProgram", ADDRESS);

    // cl_kernel clCreateKernel(cl_program program, const char *kernel_name, cl_int *errcode_ret)
    static final MethodHandle CREATE_KERNEL = object("clCreateKernel", ADDRESS, ADDRESS, ADDRESS);

    // cl_int clReleaseKernel(cl_kernel kernel)
    static final MethodHandle RELEASE_KERNEL = status("clReleaseKernel", ADDRESS);

    // cl_int clSetKernelArg(cl_kernel kernel, cl_uint arg_index, size_t arg_size,
    //                       const void *arg_value)
    static final MethodHandle SET_KERNEL_ARG =
            status("clSetKernelArg", ADDRESS, JAVA_INT, JAVA_LONG, ADDRESS);

    // cl_int clWaitForEvents(cl_uint num_events, const cl_event *event_list)
    static final MethodHandle WAIT_FOR_EVENTS = status("clWaitForEvents", JAVA_INT, ADDRESS);

    // cl_int clGetEventInfo(cl_event event, cl_event_info param_name, size_t param_value_size,
    //                       void *param_value, size_t *param_value_size_ret)
    static final MethodHandle GET_EVENT_INFO = info("clGetEventInfo");

    // cl_int clGetEventProfilingInfo(cl_event event, cl_profiling_info param_name,
    //                                size_t param_value_size, void *param_value,
    //                                size_t *param_value_size_ret)
    static final MethodHandle GET_EVENT_PROFILING_INFO = info("clGetEventProfilingInfo");

    // cl_int clReleaseEvent(cl_event event)
    static final MethodHandle RELEASE_EVENT = status("clReleaseEvent", ADDRESS);

    // void *clSVMAlloc(cl_context context, cl_svm_mem_flags flags, size_t size,
    //                  cl_uint alignment)
    // Since OpenCL 2.0.
    static final Optional<MethodHandle> SVM_ALLOC =
            LIBRARY.optionalFunction(
                    "clSVMAlloc",
                    FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_INT));

    // void clSVMFree(cl_context context, void *svm_pointer)
    static final Optional<MethodHandle> SVM_FREE =
            LIBRARY.optionalFunction("clSVMFree", FunctionDescriptor.ofVoid(ADDRESS, ADDRESS));

    // cl_int clSetKernelArgSVMPointer(cl_kernel kernel, cl_uint arg_index, const void *arg_value)
    static final Optional<MethodHandle> SET_KERNEL_ARG_SVM_POINTER =
            LIBRARY.optionalFunction(
                    "clSetKernelArgSVMPointer",
                    FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, ADDRESS));

    // void *clGetExtensionFunctionAddressForPlatform(cl_platform_id platform,
    //                                                const char *func_name)
    static final MethodHandle GET_EXTENSION_FUNCTION =
            object("clGetExtensionFunctionAddressForPlatform", ADDRESS, ADDRESS);

    private Cl() {}

    private static MethodHandle status(String name, MemoryLayout... parameters) {
        return LIBRARY.function(name, FunctionDescriptor.of(JAVA_INT, parameters));
    }

    private static MethodHandle object(String name, MemoryLayout... parameters) {
        return LIBRARY.function(name, FunctionDescriptor.of(ADDRESS, parameters));
    }

    private static MethodHandle info(String name) {
        return status(name, ADDRESS, JAVA_INT, JAVA_LONG, ADDRESS, ADDRESS);
    }

    private static MethodHandle transfer(String name) {
        return status(
                name, ADDRESS, ADDRESS, JAVA_INT, JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_INT, ADDRESS,
                ADDRESS);
    }
}
