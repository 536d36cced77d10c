package io.kvwire.ffi.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The primary context of a device: that of the CUDA runtime and of PyTorch too, so addresses of
 * theirs in this process are good here. Everything else is made from it and closed before it.
 *
 * <p>Thread-safe, also with virtual threads: each call makes the context current for its thread
 * first, and leaves it so.
 */
public final class Context implements AutoCloseable {
    private final Device device;
    private final long handle;
    private final AtomicBoolean open = new AtomicBoolean(true);

    private Context(Device device, long handle) {
        this.device = device;
        this.handle = handle;
    }

    /**
     * Retains the primary context of a device.
     *
     * @param device one of {@link CudaLibrary#devices()}
     * @return the context; the caller closes it
     * @throws TransferException with the driver's reason
     */
    public static Context of(Device device) {
        long handle =
                Calls.number(
                        "cuDevicePrimaryCtxRetain of " + device.name(),
                        at -> (int) Cu.DEVICE_PRIMARY_CTX_RETAIN.invokeExact(at, device.handle()));
        return new Context(device, handle);
    }

    /**
     * {@return a segment that stands for memory of a device; the host must not read or write it,
     * and nothing keeps the memory alive}
     *
     * @param address of the device
     * @param bytes from there on
     */
    @SuppressWarnings("restricted") // what an ffi package is for
    public static MemorySegment segmentAt(long address, long bytes) {
        return MemorySegment.ofAddress(address).reinterpret(bytes);
    }

    /** {@return the device} */
    public Device device() {
        return device;
    }

    long handle() {
        return handle;
    }

    /** Makes this the context of the calls that this thread makes next. */
    void enter() {
        Calls.status("cuCtxSetCurrent", () -> (int) Cu.CTX_SET_CURRENT.invokeExact(handle));
    }

    /** {@return a stream for computing, that waits for no other one by itself} */
    public Stream stream() {
        return stream(0);
    }

    /** {@return a stream for copies, whose kernels go before those of {@link #stream()}} */
    public Stream urgentStream() {
        enter();
        try (var arena = Arena.ofConfined()) {
            var least = arena.allocate(JAVA_INT);
            var greatest = arena.allocate(JAVA_INT);
            Calls.status(
                    "cuCtxGetStreamPriorityRange",
                    () -> (int) Cu.CTX_GET_STREAM_PRIORITY_RANGE.invokeExact(least, greatest));
            return stream(greatest.get(JAVA_INT, 0));
        }
    }

    private Stream stream(int priority) {
        enter();
        return new Stream(
                this,
                Calls.number(
                        "cuStreamCreateWithPriority",
                        at ->
                                (int)
                                        Cu.STREAM_CREATE_WITH_PRIORITY.invokeExact(
                                                at, Constants.CU_STREAM_NON_BLOCKING, priority)));
    }

    /**
     * {@return a stream that other code owns, such as PyTorch's current one; closing it here does
     * nothing}
     *
     * @param address its {@code CUstream} or {@code cudaStream_t}, of this context
     */
    public Stream foreignStream(long address) {
        return Stream.foreign(this, address);
    }

    /** {@return an event whose waiters give the processor away} */
    public Event event() {
        return event(Constants.CU_EVENT_DISABLE_TIMING | Constants.CU_EVENT_BLOCKING_SYNC);
    }

    /** {@return an event that knows when it was reached} */
    public Event timedEvent() {
        return event(Constants.CU_EVENT_BLOCKING_SYNC);
    }

    /** {@return an event that another process can wait for} */
    public Event sharedEvent() {
        return event(Constants.CU_EVENT_DISABLE_TIMING | Constants.CU_EVENT_INTERPROCESS);
    }

    private Event event(int flags) {
        enter();
        return new Event(
                this,
                Calls.number("cuEventCreate", at -> (int) Cu.EVENT_CREATE.invokeExact(at, flags)));
    }

    /**
     * Allocates memory of the device, which starts at a multiple of 256 bytes.
     *
     * @param bytes at least 1
     * @return the memory, with any content
     * @throws TransferException with {@link ErrorCode#RESOURCE_EXHAUSTED} when there is too little
     */
    public DeviceBuffer allocate(long bytes) {
        enter();
        long address =
                Calls.number(
                        "cuMemAlloc of " + bytes + " bytes on " + device.name(),
                        at -> (int) Cu.MEM_ALLOC.invokeExact(at, bytes));
        return new DeviceBuffer(this, address, bytes);
    }

    /**
     * Allocates memory of the device that can be exported as a file descriptor.
     *
     * @param bytes at least 1; rounded up to what the device maps, often 2 MiB
     * @return the memory, with any content
     * @throws TransferException with {@link ErrorCode#RESOURCE_EXHAUSTED} when there is too little,
     *     {@link ErrorCode#PATH_UNAVAILABLE} when the device {@linkplain Device#virtualMemory
     *     cannot}
     */
    public VirtualBuffer allocateVirtual(long bytes) {
        return VirtualBuffer.create(this, bytes);
    }

    /**
     * Maps memory that another process exported.
     *
     * @param descriptor of {@link VirtualBuffer#export}; the caller closes it
     * @param bytes its size, as the exporter has it
     * @return the memory
     */
    public VirtualBuffer importVirtual(int descriptor, long bytes) {
        return VirtualBuffer.importFrom(this, descriptor, bytes);
    }

    /**
     * Allocates page-locked memory of the host, for every device.
     *
     * @param bytes at least 1
     * @return the memory, with any content
     * @throws TransferException with {@link ErrorCode#RESOURCE_EXHAUSTED} when there is too little
     */
    public PinnedBuffer allocatePinned(long bytes) {
        enter();
        long address =
                Calls.number(
                        "cuMemHostAlloc of " + bytes + " bytes",
                        at ->
                                (int)
                                        Cu.MEM_HOST_ALLOC.invokeExact(
                                                at, bytes, Constants.CU_MEMHOSTALLOC_PORTABLE));
        return new PinnedBuffer(this, segmentAt(address, bytes));
    }

    /**
     * Page-locks memory of the host, for every device.
     *
     * @param memory native; alive until {@link #unregister}
     * @throws TransferException when the system locks no more, or a part is registered already
     */
    public void register(MemorySegment memory) {
        enter();
        Calls.status(
                "cuMemHostRegister of " + memory.byteSize() + " bytes",
                () ->
                        (int)
                                Cu.MEM_HOST_REGISTER.invokeExact(
                                        memory,
                                        memory.byteSize(),
                                        Constants.CU_MEMHOSTREGISTER_PORTABLE));
    }

    /**
     * Ends {@link #register}; no copy may use the memory any more.
     *
     * @param memory the same segment
     */
    public void unregister(MemorySegment memory) {
        enter();
        Calls.status("cuMemHostUnregister", () -> (int) Cu.MEM_HOST_UNREGISTER.invokeExact(memory));
    }

    /**
     * {@return the allocation that an address is in, also one of other code in this process}
     *
     * @param address of device memory
     * @throws TransferException with {@link ErrorCode#OUT_OF_RANGE} when it is none
     */
    public AddressRange rangeOf(long address) {
        return Pointers.range(this, address);
    }

    /**
     * {@return the ordinal of the device that an address is memory of; empty for memory of the host
     * and for addresses that the driver does not know}
     *
     * @param address any
     */
    public OptionalInt deviceOf(long address) {
        boolean ofDevice =
                Pointers.attribute(this, address, Constants.CU_POINTER_ATTRIBUTE_MEMORY_TYPE)
                        .equals(OptionalInt.of(Constants.CU_MEMORYTYPE_DEVICE));
        return ofDevice
                ? Pointers.attribute(this, address, Constants.CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL)
                : OptionalInt.empty();
    }

    /**
     * {@return whether memory can be opened by another process with {@link #export}: allocations of
     * {@code cuMemAlloc} can, virtual memory and pools cannot}
     *
     * @param address of device memory
     */
    public boolean isExportable(long address) {
        return Pointers.attribute(
                                this,
                                address,
                                Constants.CU_POINTER_ATTRIBUTE_IS_LEGACY_CUDA_IPC_CAPABLE)
                        .orElse(0)
                != 0;
    }

    /**
     * Makes copies of an allocation that look synchronous be so, as GPUDirect RDMA through peer
     * memory needs.
     *
     * @param address of device memory
     */
    public void synchroniseCopies(long address) {
        Pointers.synchroniseCopies(this, address);
    }

    /**
     * Exports the allocation that an address is in.
     *
     * @param address of memory that {@linkplain #isExportable is exportable}
     * @return what another process opens it with: the whole allocation, from its start
     * @throws TransferException with the driver's reason
     */
    public IpcHandle export(long address) {
        enter();
        return IpcHandle.filled(
                "cuIpcGetMemHandle", at -> (int) Cu.IPC_GET_MEM_HANDLE.invokeExact(at, address));
    }

    /**
     * Opens memory of another process. To be done once for each handle: share what it gives.
     *
     * @param handle of {@link #export} in another process
     * @return the memory
     * @throws TransferException when the owner is gone, or is this process
     */
    public ImportedMemory open(IpcHandle handle) {
        return ImportedMemory.open(this, handle);
    }

    /**
     * Opens an event of another process.
     *
     * @param handle of {@link Event#export} in another process
     * @return the event
     */
    public Event openEvent(IpcHandle handle) {
        enter();
        try (var arena = Arena.ofConfined()) {
            var struct = handle.struct(arena);
            return new Event(
                    this,
                    Calls.number(
                            "cuIpcOpenEventHandle",
                            at -> (int) Cu.IPC_OPEN_EVENT_HANDLE.invokeExact(at, struct)));
        }
    }

    /**
     * Lets kernels and copies of this context use another device's memory.
     *
     * @param peer context of a device that this one {@linkplain Device#reaches reaches}
     */
    public void enablePeer(Context peer) {
        enter();
        int status =
                Calls.raw(
                        "cuCtxEnablePeerAccess",
                        () -> (int) Cu.CTX_ENABLE_PEER_ACCESS.invokeExact(peer.handle, 0));
        if (status != 0 && status != Result.CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED.number()) {
            throw Result.failure("cuCtxEnablePeerAccess", status);
        }
    }

    /**
     * Makes a dma-buf of device memory, by which a NIC's driver finds it.
     *
     * @param address a multiple of the host's page size
     * @param bytes likewise
     * @return a new file descriptor, closed by the caller
     * @throws TransferException with {@link ErrorCode#PATH_UNAVAILABLE} when device, driver or
     *     kernel cannot
     */
    public int dmaBuf(long address, long bytes) {
        return DmaBuf.export(this, address, bytes);
    }

    /**
     * Makes visible to the device what NICs have written to its memory and reported. Waits for a
     * few microseconds.
     *
     * @throws TransferException with the driver's reason, such as a device that {@linkplain
     *     Device#flushesRdmaWrites cannot}
     */
    public void flushRdmaWrites() {
        enter();
        Calls.status(
                "cuFlushGPUDirectRDMAWrites",
                () ->
                        (int)
                                Cu.FLUSH_GPU_DIRECT_RDMA_WRITES.invokeExact(
                                        Constants
                                                .CU_FLUSH_GPU_DIRECT_RDMA_WRITES_TARGET_CURRENT_CTX,
                                        Constants.CU_FLUSH_GPU_DIRECT_RDMA_WRITES_TO_OWNER));
    }

    /** {@return the bytes of the device's memory that nobody has allocated} */
    public long freeBytes() {
        enter();
        try (var arena = Arena.ofConfined()) {
            var free = arena.allocate(JAVA_LONG);
            var total = arena.allocate(JAVA_LONG);
            Calls.status("cuMemGetInfo", () -> (int) Cu.MEM_GET_INFO.invokeExact(free, total));
            return free.get(JAVA_LONG, 0);
        }
    }

    /**
     * Compiles kernels for the device.
     *
     * @param ptx as text
     * @return the module
     * @throws TransferException with the compiler's log
     */
    public KernelModule module(String ptx) {
        return KernelModule.load(this, ptx);
    }

    /** Waits for everything that the device was given through this context, by anybody. */
    public void synchronize() {
        enter();
        Calls.status("cuCtxSynchronize", () -> (int) Cu.CTX_SYNCHRONIZE.invokeExact());
    }

    @Override
    public void close() {
        if (open.compareAndSet(true, false)) {
            Calls.status(
                    "cuDevicePrimaryCtxRelease",
                    () -> (int) Cu.DEVICE_PRIMARY_CTX_RELEASE.invokeExact(device.handle()));
        }
    }
}
