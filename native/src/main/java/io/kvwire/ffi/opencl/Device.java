package io.kvwire.ffi.opencl;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** A device of one of the platforms. Lives as long as the process. Thread-safe. */
public final class Device {

    private final MemorySegment platform;
    private final MemorySegment id;
    private final Optional<SharedMemory> sharedMemory;

    Device(MemorySegment platform, MemorySegment id) {
        this.platform = platform;
        this.id = id;
        sharedMemory = SharedMemory.of(platform, id);
    }

    MemorySegment id() {
        return id;
    }

    /** {@return the device's name in its driver's words} */
    public String name() {
        return Calls.text(Cl.GET_DEVICE_INFO, id, Constants.CL_DEVICE_NAME).strip();
    }

    /** {@return the name of its platform, such as {@code Portable Computing Language}} */
    public String platform() {
        return Calls.text(Cl.GET_PLATFORM_INFO, platform, Constants.CL_PLATFORM_NAME).strip();
    }

    /** {@return the version of OpenCL, such as {@code OpenCL 3.0 PoCL}} */
    public String version() {
        return Calls.text(Cl.GET_DEVICE_INFO, id, Constants.CL_DEVICE_VERSION).strip();
    }

    /** {@return the version of the driver} */
    public String driver() {
        return Calls.text(Cl.GET_DEVICE_INFO, id, Constants.CL_DRIVER_VERSION).strip();
    }

    /** {@return the device's memory in bytes} */
    public long memoryBytes() {
        return number(Constants.CL_DEVICE_GLOBAL_MEM_SIZE);
    }

    /** {@return the largest buffer in bytes} */
    public long largestBufferBytes() {
        return number(Constants.CL_DEVICE_MAX_MEM_ALLOC_SIZE);
    }

    /** {@return whether the device is the processor that this program runs on} */
    public boolean isCpu() {
        return (number(Constants.CL_DEVICE_TYPE) & Constants.CL_DEVICE_TYPE_CPU) != 0;
    }

    /** {@return the largest work-group} */
    public long largestGroup() {
        return number(Constants.CL_DEVICE_MAX_WORK_GROUP_SIZE);
    }

    /**
     * {@return whether programs can be built with divisions rounded to nearest, so that codes equal
     * those of the host in every bit}
     */
    public boolean dividesExactly() {
        return (number(Constants.CL_DEVICE_SINGLE_FP_CONFIG)
                        & Constants.CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT)
                != 0;
    }

    /** {@return whether memory can be {@linkplain Context#sharedMemory shared} with the host} */
    public boolean sharesMemory() {
        return sharedMemory.isPresent();
    }

    SharedMemory sharedMemory() {
        return sharedMemory.orElseThrow(() ->
                new TransferException(
                        ErrorCode.PATH_UNAVAILABLE,
                        name() + " shares no memory with the host: use buffers"));
    }

    private long number(int name) {
        return Calls.number(Cl.GET_DEVICE_INFO, id, name);
    }

    @Override
    public String toString() {
        return name() + " (" + platform() + ")";
    }
}
