package io.kvwire.ffi.cuda;

import static io.kvwire.ffi.cuda.Constants.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR;
import static io.kvwire.ffi.cuda.Constants.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.CString;
import io.kvwire.transport.TransferException;

import java.lang.foreign.Arena;
import java.util.HexFormat;

/**
 * A GPU. Immutable and thread-safe.
 *
 * @param ordinal its number, from 0, among those that the process sees
 * @param handle what the driver calls it
 * @param name in the driver's words
 */
public record Device(int ordinal, int handle, String name) {
    private static final int NAME_BYTES = 256;
    private static final int UUID_BYTES = 16;
    private static final double KHZ_BITS_TO_BYTES = 1000.0 * 2 / 8;

    static Device of(int ordinal) {
        int handle =
                Calls.integer(
                        "cuDeviceGet of " + ordinal,
                        at -> (int) Cu.DEVICE_GET.invokeExact(at, ordinal));
        try (var arena = Arena.ofConfined()) {
            var name = arena.allocate(NAME_BYTES);
            Calls.status(
                    "cuDeviceGetName",
                    () -> (int) Cu.DEVICE_GET_NAME.invokeExact(name, NAME_BYTES - 1, handle));
            return new Device(ordinal, handle, CString.read(name));
        }
    }

    private int attribute(int attribute) {
        return Calls.integer(
                "cuDeviceGetAttribute " + attribute,
                at -> (int) Cu.DEVICE_GET_ATTRIBUTE.invokeExact(at, attribute, handle));
    }

    private boolean has(int attribute) {
        // A driver that is older than an attribute says that the number is invalid.
        try (var arena = Arena.ofConfined()) {
            var value = arena.allocate(Integer.BYTES);
            int status =
                    Calls.raw(
                            "cuDeviceGetAttribute",
                            () ->
                                    (int)
                                            Cu.DEVICE_GET_ATTRIBUTE.invokeExact(
                                                    value, attribute, handle));
            return status == 0 && value.get(JAVA_INT, 0) != 0;
        }
    }

    /** {@return the compute capability times ten: 80 is an A100, 90 an H100} */
    public int computeCapability() {
        return 10 * attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
                + attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
    }

    /** {@return the size of the memory, in bytes} */
    public long memoryBytes() {
        return Calls.number(
                "cuDeviceTotalMem", at -> (int) Cu.DEVICE_TOTAL_MEM.invokeExact(at, handle));
    }

    /** {@return the number of multiprocessors} */
    public int multiprocessors() {
        return attribute(Constants.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
    }

    /** {@return how many copies run beside computing} */
    public int copyEngines() {
        return attribute(Constants.CU_DEVICE_ATTRIBUTE_ASYNC_ENGINE_COUNT);
    }

    /**
     * {@return what the memory's clock and the width of its bus make, in bytes a second: an upper
     * bound that no copy reaches; 0 where the driver tells no clock}
     */
    public double peakBytesPerSecond() {
        return KHZ_BITS_TO_BYTES
                * attribute(Constants.CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE)
                * attribute(Constants.CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH);
    }

    /** {@return whether host and devices share one space of addresses} */
    public boolean unifiedAddresses() {
        return has(Constants.CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING);
    }

    /** {@return whether memory can be made apart from addresses, and exported as a descriptor} */
    public boolean virtualMemory() {
        return has(Constants.CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED)
                && has(Constants.CU_DEVICE_ATTRIBUTE_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR_SUPPORTED);
    }

    /** {@return whether such memory can be read and written by NICs} */
    public boolean virtualMemoryForRdma() {
        return has(Constants.CU_DEVICE_ATTRIBUTE_GPU_DIRECT_RDMA_WITH_CUDA_VMM_SUPPORTED);
    }

    /** {@return whether NICs can read and write memory, by dma-buf or by peer memory} */
    public boolean rdma() {
        return has(Constants.CU_DEVICE_ATTRIBUTE_GPU_DIRECT_RDMA_SUPPORTED);
    }

    /**
     * {@return whether work that the device begins after a NIC has reported a write sees it; where
     * not, {@link Context#flushRdmaWrites} has to come in between}
     */
    public boolean ordersRdmaWrites() {
        return attribute(Constants.CU_DEVICE_ATTRIBUTE_GPU_DIRECT_RDMA_WRITES_ORDERING)
                >= Constants.CU_GPU_DIRECT_RDMA_WRITES_ORDERING_OWNER;
    }

    /** {@return whether {@link Context#flushRdmaWrites} works} */
    public boolean flushesRdmaWrites() {
        int options = attribute(Constants.CU_DEVICE_ATTRIBUTE_GPU_DIRECT_RDMA_FLUSH_WRITES_OPTIONS);
        return (options & Constants.CU_FLUSH_GPU_DIRECT_RDMA_WRITES_OPTION_HOST) != 0;
    }

    /** {@return whether memory can be handed to another driver as a dma-buf} */
    public boolean dmaBuf() {
        return has(Constants.CU_DEVICE_ATTRIBUTE_DMA_BUF_SUPPORTED);
    }

    /** {@return whether processes can wait for each other's events} */
    public boolean ipcEvents() {
        return has(Constants.CU_DEVICE_ATTRIBUTE_IPC_EVENT_SUPPORTED);
    }

    /** {@return the largest group of threads} */
    public int largestGroup() {
        return attribute(Constants.CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK);
    }

    /** {@return the number of the device itself, the same in every process, in hexadecimal} */
    public String uuid() {
        try (var arena = Arena.ofConfined()) {
            var uuid = arena.allocate(UUID_BYTES);
            Calls.status(
                    "cuDeviceGetUuid", () -> (int) Cu.DEVICE_GET_UUID.invokeExact(uuid, handle));
            return HexFormat.of().formatHex(uuid.toArray(JAVA_BYTE));
        }
    }

    /** {@return where it is on the host: domain, bus, device and function} */
    public String pciAddress() {
        try (var arena = Arena.ofConfined()) {
            var text = arena.allocate(NAME_BYTES);
            Calls.status(
                    "cuDeviceGetPCIBusId",
                    () -> (int) Cu.DEVICE_GET_PCI_BUS_ID.invokeExact(text, NAME_BYTES, handle));
            return CString.read(text);
        }
    }

    /**
     * {@return whether this device can read and write another's memory}
     *
     * @param other another device
     * @throws TransferException when the driver fails
     */
    public boolean reaches(Device other) {
        return Calls.integer(
                        "cuDeviceCanAccessPeer",
                        at ->
                                (int)
                                        Cu.DEVICE_CAN_ACCESS_PEER.invokeExact(
                                                at, handle, other.handle()))
                != 0;
    }
}
