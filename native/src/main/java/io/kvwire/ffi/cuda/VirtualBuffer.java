package io.kvwire.ffi.cuda;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Memory of a device that was made apart from its addresses, so that it can be exported as a file
 * descriptor and mapped by another process. This is also what PyTorch's expandable segments are.
 *
 * <p>Close it when the device is done with it: unlike {@link DeviceBuffer}, the driver does not
 * wait. Thread-safe.
 */
public final class VirtualBuffer implements AutoCloseable {
    private final Context context;
    private final long handle;
    private final long address;
    private final long bytes;
    private final AtomicBoolean open = new AtomicBoolean(true);

    private VirtualBuffer(Context context, long handle, long address, long bytes) {
        this.context = context;
        this.handle = handle;
        this.address = address;
        this.bytes = bytes;
    }

    static VirtualBuffer create(Context context, long wanted) {
        try (var arena = Arena.ofConfined()) {
            var properties = properties(arena, context.device());
            long granularity = granularity(properties);
            long bytes = Math.ceilDiv(wanted, granularity) * granularity;
            context.enter();
            long handle =
                    Calls.number(
                            "cuMemCreate of " + bytes + " bytes",
                            at -> (int) Cu.MEM_CREATE.invokeExact(at, bytes, properties, 0L));
            return map(context, handle, bytes);
        }
    }

    static VirtualBuffer importFrom(Context context, int descriptor, long bytes) {
        context.enter();
        long handle =
                Calls.number(
                        "cuMemImportFromShareableHandle",
                        at ->
                                (int)
                                        Cu.MEM_IMPORT_FROM_SHAREABLE_HANDLE.invokeExact(
                                                at,
                                                MemorySegment.ofAddress(descriptor),
                                                Constants
                                                        .CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR));
        return map(context, handle, bytes);
    }

    private static MemorySegment properties(Arena arena, Device device) {
        var layout = Structs.ALLOCATION;
        var properties = arena.allocate(layout);
        properties.set(
                JAVA_INT, CStruct.offset(layout, "type"), Constants.CU_MEM_ALLOCATION_TYPE_PINNED);
        properties.set(
                JAVA_INT,
                CStruct.offset(layout, "requestedHandleTypes"),
                Constants.CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR);
        properties.set(
                JAVA_INT,
                CStruct.offset(layout, "location", "type"),
                Constants.CU_MEM_LOCATION_TYPE_DEVICE);
        properties.set(JAVA_INT, CStruct.offset(layout, "location", "id"), device.ordinal());
        properties.set(
                JAVA_BYTE,
                CStruct.offset(layout, "allocFlags", "gpuDirectRDMACapable"),
                (byte) (device.virtualMemoryForRdma() ? 1 : 0));
        return properties;
    }

    private static long granularity(MemorySegment properties) {
        return Calls.number(
                "cuMemGetAllocationGranularity",
                at ->
                        (int)
                                Cu.MEM_GET_ALLOCATION_GRANULARITY.invokeExact(
                                        at,
                                        properties,
                                        Constants.CU_MEM_ALLOC_GRANULARITY_RECOMMENDED));
    }

    /** Gives memory addresses; what fails is undone, the memory itself released. */
    private static VirtualBuffer map(Context context, long handle, long bytes) {
        long address = 0;
        boolean mapped = false;
        try {
            address =
                    Calls.number(
                            "cuMemAddressReserve of " + bytes + " bytes",
                            at -> (int) Cu.MEM_ADDRESS_RESERVE.invokeExact(at, bytes, 0L, 0L, 0L));
            long start = address;
            Calls.status(
                    "cuMemMap", () -> (int) Cu.MEM_MAP.invokeExact(start, bytes, 0L, handle, 0L));
            mapped = true;
            allowAccess(context.device(), start, bytes);
            return new VirtualBuffer(context, handle, start, bytes);
        } catch (RuntimeException | Error e) {
            undo(handle, address, bytes, mapped);
            throw e;
        }
    }

    private static void undo(long handle, long address, long bytes, boolean mapped) {
        if (mapped) {
            int _ = Calls.raw("cuMemUnmap", () -> (int) Cu.MEM_UNMAP.invokeExact(address, bytes));
        }
        if (address != 0) {
            int _ =
                    Calls.raw(
                            "cuMemAddressFree",
                            () -> (int) Cu.MEM_ADDRESS_FREE.invokeExact(address, bytes));
        }
        int _ = Calls.raw("cuMemRelease", () -> (int) Cu.MEM_RELEASE.invokeExact(handle));
    }

    private static void allowAccess(Device device, long address, long bytes) {
        try (var arena = Arena.ofConfined()) {
            var layout = Structs.ACCESS;
            var access = arena.allocate(layout);
            access.set(
                    JAVA_INT,
                    CStruct.offset(layout, "location", "type"),
                    Constants.CU_MEM_LOCATION_TYPE_DEVICE);
            access.set(JAVA_INT, CStruct.offset(layout, "location", "id"), device.ordinal());
            access.set(
                    JAVA_INT,
                    CStruct.offset(layout, "flags"),
                    Constants.CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
            Calls.status(
                    "cuMemSetAccess",
                    () -> (int) Cu.MEM_SET_ACCESS.invokeExact(address, bytes, access, 1L));
        }
    }

    /** {@return the device's address} */
    public long address() {
        return address;
    }

    /** {@return the size in bytes: what was asked for, rounded up to what the device maps} */
    public long bytes() {
        return bytes;
    }

    /**
     * {@return a new file descriptor of the memory, to be passed to another process over a
     * Unix-domain socket and closed by the caller}
     */
    public int export() {
        return Calls.integer(
                "cuMemExportToShareableHandle",
                at ->
                        (int)
                                Cu.MEM_EXPORT_TO_SHAREABLE_HANDLE.invokeExact(
                                        at,
                                        handle,
                                        Constants.CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR,
                                        0L));
    }

    @Override
    public void close() {
        if (open.compareAndSet(true, false)) {
            context.enter();
            Calls.status("cuMemUnmap", () -> (int) Cu.MEM_UNMAP.invokeExact(address, bytes));
            Calls.status(
                    "cuMemAddressFree",
                    () -> (int) Cu.MEM_ADDRESS_FREE.invokeExact(address, bytes));
            Calls.status("cuMemRelease", () -> (int) Cu.MEM_RELEASE.invokeExact(handle));
        }
    }
}
