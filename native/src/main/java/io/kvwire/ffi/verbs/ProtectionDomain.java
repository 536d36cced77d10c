package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.Errno;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * A protection domain: memory regions, windows and queue pairs of one domain may be used together.
 *
 * <p>Thread-safe, except that {@link #close} must come after everything made from it is closed.
 */
public final class ProtectionDomain implements AutoCloseable {

    private static final String MEMLOCK_ADVICE =
            "Raise the limit of locked memory (ulimit -l unlimited, or LimitMEMLOCK=infinity)";

    private static final int TYPE_RC = 2;
    private static final int WINDOW_TYPE_2 = 2;

    private final Context context;
    private final MemorySegment address;
    private boolean closed;

    ProtectionDomain(Context context, MemorySegment address) {
        this.context = context;
        this.address = address;
    }

    /** {@return the device} */
    public Context context() {
        return context;
    }

    /**
     * Registers memory of this process.
     *
     * @param memory outside the heap; kept reachable until the region is closed, but its arena must
     *     not be closed before
     * @param access bits of {@link AccessFlags}
     * @return the region
     * @throws io.kvwire.transport.TransferException when the system refuses, mostly for the limit
     *     of locked memory
     */
    public MemoryRegion register(MemorySegment memory, int access) {
        if (!memory.isNative()) {
            throw new IllegalArgumentException(
                    "memory on the heap moves: register a segment of an Arena");
        }
        return register(memory, memory.address(), memory.byteSize(), access);
    }

    /**
     * Registers memory by its address, such as that of a GPU whose driver hands its pages to the
     * kernel (nvidia-peermem). Nothing keeps it alive.
     *
     * @param start its address
     * @param bytes its length, in bytes
     * @param access bits of {@link AccessFlags}
     * @return the region
     * @throws io.kvwire.transport.TransferException when the system refuses
     */
    public MemoryRegion registerAddress(long start, long bytes, int access) {
        return register(MemorySegment.ofAddress(start), start, bytes, access);
    }

    private MemoryRegion register(MemorySegment kept, long start, long bytes, int access) {
        checkLength(bytes);
        var what = "ibv_reg_mr of " + bytes + " bytes at 0x" + Long.toHexString(start);
        var newer = Ibv.REG_MR_IOVA2;
        // Hints may be dropped, and must be where only the old function is there.
        boolean hints = (access & AccessFlags.OPTIONAL) != 0 && newer.isPresent();
        var region =
                Calls.pointer(
                        what,
                        MEMLOCK_ADVICE,
                        hints
                                ? e ->
                                        (MemorySegment)
                                                newer.get()
                                                        .invokeExact(
                                                                e, address, start, bytes, start,
                                                                access)
                                : e ->
                                        (MemorySegment)
                                                Ibv.REG_MR.invokeExact(
                                                        e,
                                                        address,
                                                        start,
                                                        bytes,
                                                        access & ~AccessFlags.OPTIONAL));
        return new MemoryRegion(region, kept, start, bytes);
    }

    /**
     * Registers memory of another device through a dma-buf.
     *
     * @param descriptor the dma-buf; may be closed afterwards
     * @param offset where in the dma-buf the region starts, in bytes
     * @param bytes its length, in bytes
     * @param start address that work requests and peers are to use for its first byte
     * @param access bits of {@link AccessFlags}
     * @return the region
     * @throws io.kvwire.transport.TransferException when library, kernel or device cannot
     */
    public MemoryRegion registerDmaBuf(
            int descriptor, long offset, long bytes, long start, int access) {
        checkLength(bytes);
        var what = "ibv_reg_dmabuf_mr of " + bytes + " bytes on " + context.device().name();
        var register =
                Ibv.REG_DMABUF_MR.orElseThrow(
                        () -> Errno.failure(what, Errno.ENOSYS, "Install rdma-core 34 or newer"));
        var region =
                Calls.pointer(
                        what,
                        "Driver and kernel must both support dma-buf (Linux 5.12 or newer)",
                        e ->
                                (MemorySegment)
                                        register.invokeExact(
                                                e,
                                                address,
                                                offset,
                                                bytes,
                                                start,
                                                descriptor,
                                                access));
        return new MemoryRegion(region, MemorySegment.ofAddress(start), start, bytes);
    }

    /**
     * Makes a memory window of type 2, which shows nothing before it is {@linkplain
     * SendRequests#addBind bound}.
     *
     * @return the window
     * @throws io.kvwire.transport.TransferException when the device has none
     */
    public MemoryWindow allocateWindow() {
        var what = "ibv_alloc_mw on " + context.device().name();
        if (!context.operations().hasMemoryWindows()) {
            throw Errno.failure(what, Errno.EOPNOTSUPP, "");
        }
        var window =
                Calls.pointer(
                        what,
                        "",
                        e -> context.operations().allocateWindow(e, address, WINDOW_TYPE_2));
        return new MemoryWindow(context.operations(), window);
    }

    /**
     * Makes a receive queue that many queue pairs share.
     *
     * @param requests receives it must hold
     * @param segments scatter elements of a receive
     * @return the queue
     */
    public SharedReceiveQueue createSharedReceiveQueue(int requests, int segments) {
        try (var arena = Arena.ofConfined()) {
            var attributes = arena.allocate(IbvSrqInitAttr.LAYOUT);
            attributes.set(JAVA_INT, IbvSrqInitAttr.ATTR + IbvSrqAttr.MAX_WR, requests);
            attributes.set(JAVA_INT, IbvSrqInitAttr.ATTR + IbvSrqAttr.MAX_SGE, segments);
            var queue =
                    Calls.pointer(
                            "ibv_create_srq of "
                                    + requests
                                    + " receives of "
                                    + segments
                                    + " segments",
                            "Stay within the limits of " + context.device().name(),
                            e ->
                                    (MemorySegment)
                                            Ibv.CREATE_SRQ.invokeExact(e, address, attributes));
            return new SharedReceiveQueue(context.operations(), queue);
        }
    }

    /**
     * Makes a queue pair of the reliable connected kind, in which only requests that say so are
     * completed.
     *
     * @param sends where completions of its send queue go
     * @param receives where completions of its receives go; may be the same
     * @param shared the queue it takes receives from, or empty to have its own
     * @param capacity what it must hold; the device may give more
     * @return the queue pair, in state RESET
     */
    public QueuePair createQueuePair(
            CompletionQueue sends,
            CompletionQueue receives,
            Optional<SharedReceiveQueue> shared,
            QueuePairCapacity capacity) {
        try (var arena = Arena.ofConfined()) {
            var attributes = arena.allocate(IbvQpInitAttr.LAYOUT);
            attributes.set(ADDRESS, IbvQpInitAttr.SEND_CQ, sends.address());
            attributes.set(ADDRESS, IbvQpInitAttr.RECV_CQ, receives.address());
            attributes.set(
                    ADDRESS,
                    IbvQpInitAttr.SRQ,
                    shared.map(SharedReceiveQueue::address).orElse(MemorySegment.NULL));
            capacity.write(attributes, IbvQpInitAttr.CAP);
            attributes.set(JAVA_INT, IbvQpInitAttr.QP_TYPE, TYPE_RC);
            var pair =
                    Calls.pointer(
                            "ibv_create_qp with " + capacity,
                            "Stay within the limits of "
                                    + context.device().name()
                                    + ": "
                                    + context.attributes().limits(),
                            e -> (MemorySegment) Ibv.CREATE_QP.invokeExact(e, address, attributes));
            return new QueuePair(
                    context.operations(),
                    pair,
                    QueuePairCapacity.read(attributes, IbvQpInitAttr.CAP));
        }
    }

    private static void checkLength(long bytes) {
        if (bytes <= 0) {
            throw new IllegalArgumentException(
                    "a region of " + bytes + " bytes: register at least one");
        }
    }

    MemorySegment address() {
        return address;
    }

    /**
     * Frees the domain. A second call does nothing.
     *
     * @throws io.kvwire.transport.TransferException when something of it is still there
     */
    @Override
    public void close() {
        if (!closed) {
            Calls.status(
                    "ibv_dealloc_pd",
                    "Close its queue pairs, regions and windows first",
                    () -> (int) Ibv.DEALLOC_PD.invokeExact(address));
            closed = true;
        }
    }
}
