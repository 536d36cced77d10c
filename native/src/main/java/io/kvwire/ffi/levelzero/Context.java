package io.kvwire.ffi.levelzero;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A context of one device: owns its memory, makes lists and modules. Thread-safe; closed after all
 * that it has made.
 */
public final class Context implements AutoCloseable {
    private final Device device;
    private final Functions ze;
    private final MemorySegment handle;

    /**
     * Memory as a dma-buf, which a NIC or another driver takes.
     *
     * @param fd the file descriptor; the caller closes it
     * @param offset of the memory's start in there, in bytes
     */
    public record DmaBuf(int fd, long offset) {}

    private Context(Device device, MemorySegment handle) {
        this.device = device;
        this.handle = handle;
        ze = device.functions();
    }

    /**
     * Makes a context.
     *
     * @param device one of {@link LevelZero#devices()}
     * @return the context; the caller closes it
     * @throws TransferException with the driver's reason
     */
    public static Context of(Device device) {
        try (var arena = Arena.ofConfined()) {
            var desc =
                    Structs.make(
                            arena, Structs.CONTEXT_DESC, Constants.ZE_STRUCTURE_TYPE_CONTEXT_DESC);
            var made = arena.allocate(ADDRESS);
            Functions.check(
                    "zeContextCreate",
                    () ->
                            (int)
                                    device.functions()
                                            .contextCreate
                                            .invokeExact(device.driver(), desc, made));
            return new Context(device, made.get(ADDRESS, 0));
        }
    }

    /** {@return the device} */
    public Device device() {
        return device;
    }

    Functions functions() {
        return ze;
    }

    MemorySegment handle() {
        return handle;
    }

    /**
     * Allocates memory of the device.
     *
     * @param bytes at least 1
     * @param alignment a power of two
     * @return the memory, which the host must not touch, until {@link #free}
     * @throws TransferException with {@link ErrorCode#RESOURCE_EXHAUSTED} when there is too little
     */
    public MemorySegment allocate(long bytes, long alignment) {
        return allocate(bytes, alignment, false);
    }

    /**
     * Allocates memory of the device that can be exported as a dma-buf.
     *
     * @param bytes at least 1
     * @param alignment a power of two
     * @return the memory, which the host must not touch, until {@link #free}
     * @throws TransferException with {@link ErrorCode#RESOURCE_EXHAUSTED} when there is too little,
     *     {@link ErrorCode#PATH_UNAVAILABLE} where the driver exports none
     */
    public MemorySegment allocateShareable(long bytes, long alignment) {
        return allocate(bytes, alignment, true);
    }

    private MemorySegment allocate(long bytes, long alignment, boolean exported) {
        try (var arena = Arena.ofConfined()) {
            var layout = Structs.DEVICE_MEM_ALLOC_DESC;
            var desc =
                    Structs.make(arena, layout, Constants.ZE_STRUCTURE_TYPE_DEVICE_MEM_ALLOC_DESC);
            if (exported) {
                var export =
                        Structs.make(
                                arena,
                                Structs.EXTERNAL_MEMORY_EXPORT_DESC,
                                Constants.ZE_STRUCTURE_TYPE_EXTERNAL_MEMORY_EXPORT_DESC);
                Structs.put(
                        export,
                        Structs.EXTERNAL_MEMORY_EXPORT_DESC,
                        "flags",
                        Constants.ZE_EXTERNAL_MEMORY_TYPE_FLAG_DMA_BUF);
                Structs.put(desc, layout, "pNext", export);
            }
            var made = arena.allocate(ADDRESS);
            Functions.check(
                    "zeMemAllocDevice of " + bytes + " bytes",
                    () ->
                            (int)
                                    ze.allocDevice.invokeExact(
                                            handle, desc, bytes, alignment, device.handle(), made));
            return sized(made.get(ADDRESS, 0), bytes);
        }
    }

    /**
     * Allocates memory of the host that the device reaches, pinned.
     *
     * @param bytes at least 1
     * @param alignment a power of two
     * @return the memory, which the host may use, until {@link #free}
     * @throws TransferException with {@link ErrorCode#RESOURCE_EXHAUSTED} when there is too little
     */
    public MemorySegment allocateHost(long bytes, long alignment) {
        try (var arena = Arena.ofConfined()) {
            var desc =
                    Structs.make(
                            arena,
                            Structs.HOST_MEM_ALLOC_DESC,
                            Constants.ZE_STRUCTURE_TYPE_HOST_MEM_ALLOC_DESC);
            var made = arena.allocate(ADDRESS);
            Functions.check(
                    "zeMemAllocHost of " + bytes + " bytes",
                    () -> (int) ze.allocHost.invokeExact(handle, desc, bytes, alignment, made));
            return sized(made.get(ADDRESS, 0), bytes);
        }
    }

    @SuppressWarnings("restricted") // the size is what was asked for
    private static MemorySegment sized(MemorySegment address, long bytes) {
        return address.reinterpret(bytes);
    }

    /**
     * Frees memory that this context has allocated.
     *
     * @param memory no command uses it any more
     */
    public void free(MemorySegment memory) {
        Functions.check("zeMemFree", () -> (int) ze.free.invokeExact(handle, memory));
    }

    /**
     * {@return what names memory of this context in another process: 64 bytes}
     *
     * @param memory of the device, from its start
     */
    public byte[] ipcHandle(MemorySegment memory) {
        try (var arena = Arena.ofConfined()) {
            var name = arena.allocate(Structs.IPC_MEM_HANDLE);
            Functions.check(
                    "zeMemGetIpcHandle", () -> (int) ze.getIpc.invokeExact(handle, memory, name));
            return name.toArray(JAVA_BYTE);
        }
    }

    /**
     * Opens memory of another process.
     *
     * @param name what {@link #ipcHandle} gave there, handed over as its driver demands
     * @param bytes its size
     * @return the memory, until {@link #closeIpc}
     * @throws TransferException with {@link ErrorCode#OUT_OF_RANGE} when the name is not 64 bytes,
     *     and as the driver says
     */
    public MemorySegment openIpc(byte[] name, long bytes) {
        if (name.length != Constants.ZE_MAX_IPC_HANDLE_SIZE) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    "an IPC handle of " + name.length + " bytes: Level Zero's have 64");
        }
        try (var arena = Arena.ofConfined()) {
            var struct = arena.allocate(Structs.IPC_MEM_HANDLE);
            MemorySegment.copy(name, 0, struct, JAVA_BYTE, 0, name.length);
            var opened = arena.allocate(ADDRESS);
            Functions.check(
                    "zeMemOpenIpcHandle",
                    () -> (int) ze.openIpc.invokeExact(handle, device.handle(), struct, 0, opened));
            return sized(opened.get(ADDRESS, 0), bytes);
        }
    }

    /**
     * Closes memory of another process.
     *
     * @param memory what {@link #openIpc} gave; no command uses it any more
     */
    public void closeIpc(MemorySegment memory) {
        Functions.check("zeMemCloseIpcHandle", () -> (int) ze.closeIpc.invokeExact(handle, memory));
    }

    /**
     * Exports memory.
     *
     * @param memory what {@link #allocateShareable} gave, or a part of it
     * @return the dma-buf; it keeps the memory alive until its descriptor is closed
     * @throws TransferException with {@link ErrorCode#PATH_UNAVAILABLE} where the driver exports
     *     none
     */
    public DmaBuf dmaBuf(MemorySegment memory) {
        try (var arena = Arena.ofConfined()) {
            var base = arena.allocate(ADDRESS);
            var size = arena.allocate(JAVA_LONG);
            Functions.check(
                    "zeMemGetAddressRange",
                    () -> (int) ze.addressRange.invokeExact(handle, memory, base, size));
            var layout = Structs.EXTERNAL_MEMORY_EXPORT_FD;
            var export =
                    Structs.make(
                            arena, layout, Constants.ZE_STRUCTURE_TYPE_EXTERNAL_MEMORY_EXPORT_FD);
            Structs.put(export, layout, "flags", Constants.ZE_EXTERNAL_MEMORY_TYPE_FLAG_DMA_BUF);
            Structs.put(export, layout, "fd", -1);
            var properties =
                    Structs.make(
                            arena,
                            Structs.MEMORY_ALLOCATION_PROPERTIES,
                            Constants.ZE_STRUCTURE_TYPE_MEMORY_ALLOCATION_PROPERTIES);
            Structs.put(properties, Structs.MEMORY_ALLOCATION_PROPERTIES, "pNext", export);
            var owner = arena.allocate(ADDRESS);
            Functions.check(
                    "zeMemGetAllocProperties",
                    () -> (int) ze.allocProperties.invokeExact(handle, memory, properties, owner));
            int fd = Structs.number(export, layout, "fd");
            if (fd < 0) {
                throw new TransferException(
                        ErrorCode.PATH_UNAVAILABLE,
                        device.name() + " exports no dma-buf of this memory");
            }
            return new DmaBuf(fd, memory.address() - base.get(ADDRESS, 0).address());
        }
    }

    /** {@return a list whose commands run one after the other as they are given} */
    public ImmediateList list() {
        return ImmediateList.of(this);
    }

    /**
     * Builds a module.
     *
     * @param spirV the module
     * @param options of the driver's compiler; may be empty
     * @return the module; the caller closes it
     * @throws TransferException with the compiler's log where it cannot be built
     */
    public DeviceModule module(byte[] spirV, String options) {
        return DeviceModule.build(this, spirV, options);
    }

    @Override
    public void close() {
        Functions.check("zeContextDestroy", () -> (int) ze.contextDestroy.invokeExact(handle));
    }
}
