package io.kvwire.ffi.opencl;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.kvwire.ffi.NativeLibrary;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/** A way in which a device addresses the same memory as the host. Thread-safe. */
sealed interface SharedMemory {

    /**
     * Allocates memory.
     *
     * @param context of the device
     * @param device its id
     * @param bytes at least 1
     * @param alignment a power of two
     * @return where it starts, zero where there is too little
     */
    MemorySegment allocate(MemorySegment context, MemorySegment device, long bytes, int alignment);

    /** Frees what {@link #allocate} gave. */
    void free(MemorySegment context, MemorySegment memory);

    /** Sets a kernel's argument to a pointer into such memory. */
    void argument(String what, MemorySegment kernel, int index, MemorySegment memory);

    /** {@return the way of a device, the vendor's own before the standard's, or empty for none} */
    static Optional<SharedMemory> of(MemorySegment platform, MemorySegment device) {
        return Unified.of(platform, device).or(() -> Virtual.of(device));
    }

    /** Bits that an info function gives, none where it does not know the question. */
    private static long bits(MemorySegment device, int name) {
        try (var arena = Arena.ofConfined()) {
            var value = arena.allocate(JAVA_LONG);
            int status =
                    Calls.raw(
                            "clGetDeviceInfo",
                            () ->
                                    (int)
                                            Cl.GET_DEVICE_INFO.invokeExact(
                                                    device, name, 8L, value, MemorySegment.NULL));
            return status == 0 ? value.get(JAVA_LONG, 0) : 0;
        }
    }

    /** Fine-grained shared virtual memory, part of OpenCL since 2.0. */
    record Virtual(MethodHandle alloc, MethodHandle release, MethodHandle set)
            implements SharedMemory {

        static Optional<SharedMemory> of(MemorySegment device) {
            long can = bits(device, Constants.CL_DEVICE_SVM_CAPABILITIES);
            return (can & Constants.CL_DEVICE_SVM_FINE_GRAIN_BUFFER) != 0
                            && Cl.SVM_ALLOC.isPresent()
                    ? Optional.of(
                            new Virtual(
                                    Cl.SVM_ALLOC.get(),
                                    Cl.SVM_FREE.orElseThrow(),
                                    Cl.SET_KERNEL_ARG_SVM_POINTER.orElseThrow()))
                    : Optional.empty();
        }

        @Override
        public MemorySegment allocate(
                MemorySegment context, MemorySegment device, long bytes, int alignment) {
            long flags = Constants.CL_MEM_READ_WRITE | Constants.CL_MEM_SVM_FINE_GRAIN_BUFFER;
            return Calls.object(
                    "clSVMAlloc",
                    _ -> (MemorySegment) alloc.invokeExact(context, flags, bytes, alignment));
        }

        @Override
        public void free(MemorySegment context, MemorySegment memory) {
            Calls.status(
                    "clSVMFree",
                    () -> {
                        release.invokeExact(context, memory);
                        return 0;
                    });
        }

        @Override
        public void argument(String what, MemorySegment kernel, int index, MemorySegment memory) {
            Calls.status(
                    "clSetKernelArgSVMPointer " + what,
                    () -> (int) set.invokeExact(kernel, index, memory));
        }
    }

    /**
     * Unified shared memory, the extension {@code cl_intel_unified_shared_memory}: allocations that
     * its driver moves to where they are used. Its functions belong to the platform.
     */
    record Unified(MethodHandle alloc, MethodHandle release, MethodHandle set)
            implements SharedMemory {

        static Optional<SharedMemory> of(MemorySegment platform, MemorySegment device) {
            long can =
                    bits(device, Constants.CL_DEVICE_SINGLE_DEVICE_SHARED_MEM_CAPABILITIES_INTEL);
            if ((can & Constants.CL_UNIFIED_SHARED_MEMORY_ACCESS_INTEL) == 0) {
                return Optional.empty();
            }
            // void *clSharedMemAllocINTEL(cl_context context, cl_device_id device,
            //                             const cl_mem_properties_intel *properties, size_t size,
            //                             cl_uint alignment, cl_int *errcode_ret)
            var alloc =
                    function(
                            platform,
                            "clSharedMemAllocINTEL",
                            FunctionDescriptor.of(
                                    ADDRESS, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT,
                                    ADDRESS));
            // cl_int clMemBlockingFreeINTEL(cl_context context, void *ptr)
            var release =
                    function(
                            platform,
                            "clMemBlockingFreeINTEL",
                            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS));
            // cl_int clSetKernelArgMemPointerINTEL(cl_kernel kernel, cl_uint arg_index,
            //                                      const void *arg_value)
            var set =
                    function(
                            platform,
                            "clSetKernelArgMemPointerINTEL",
                            FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, ADDRESS));
            return alloc.isPresent() && release.isPresent() && set.isPresent()
                    ? Optional.of(new Unified(alloc.get(), release.get(), set.get()))
                    : Optional.empty();
        }

        private static Optional<MethodHandle> function(
                MemorySegment platform, String name, FunctionDescriptor type) {
            try (var arena = Arena.ofConfined()) {
                var text = arena.allocateFrom(name);
                var address =
                        Calls.object(
                                "clGetExtensionFunctionAddressForPlatform of " + name,
                                _ ->
                                        (MemorySegment)
                                                Cl.GET_EXTENSION_FUNCTION.invokeExact(
                                                        platform, text));
                return address.equals(MemorySegment.NULL)
                        ? Optional.empty()
                        : Optional.of(NativeLibrary.bind(address, type));
            }
        }

        @Override
        public MemorySegment allocate(
                MemorySegment context, MemorySegment device, long bytes, int alignment) {
            return Calls.object(
                    "clSharedMemAllocINTEL of " + bytes + " bytes",
                    status ->
                            (MemorySegment)
                                    alloc.invokeExact(
                                            context,
                                            device,
                                            MemorySegment.NULL,
                                            bytes,
                                            alignment,
                                            status));
        }

        @Override
        public void free(MemorySegment context, MemorySegment memory) {
            Calls.status(
                    "clMemBlockingFreeINTEL", () -> (int) release.invokeExact(context, memory));
        }

        @Override
        public void argument(String what, MemorySegment kernel, int index, MemorySegment memory) {
            Calls.status(
                    "clSetKernelArgMemPointerINTEL " + what,
                    () -> (int) set.invokeExact(kernel, index, memory));
        }
    }
}
