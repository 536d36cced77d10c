package io.kvwire.rdma;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.DmaBuf;
import io.kvwire.transport.spi.NicAccess;
import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A simulated GPU, whose memory lies at addresses that the host has nothing at: a host that touches
 * a segment of it fails, simulated NICs reach it once it is registered, and copies are counted.
 */
final class SimGpu implements DeviceMemory, NicAccess {
    /** What its driver offers to NICs. */
    enum Offer {
        DMA_BUF,
        PEER_MEMORY,
        NOTHING
    }

    private record Place(SimGpu gpu, MemorySegment backing) {}

    private static final long FIRST_ADDRESS = 1L << 60;
    private static final long PAGE_BYTES = 4096;
    private static final AtomicLong NEXT_ADDRESS = new AtomicLong(FIRST_ADDRESS);
    private static final AtomicInteger NEXT_DESCRIPTOR = new AtomicInteger(1000);
    private static final ConcurrentSkipListMap<Long, Place> PLACES = new ConcurrentSkipListMap<>();

    /** The addresses that open dma-bufs begin at. */
    private static final Map<Integer, Long> DMA_BUFS = new ConcurrentHashMap<>();

    final AtomicInteger gathers = new AtomicInteger();
    final AtomicInteger scatters = new AtomicInteger();
    final AtomicInteger settles = new AtomicInteger();
    private final Offer offer;
    private final Arena arena = Arena.ofShared();

    SimGpu(Offer offer) {
        this.offer = offer;
    }

    // ---- what simulated NICs see ----------------------------------------------------------------

    /** {@return whether an address is no memory of the host} */
    static boolean has(long address) {
        return address >= FIRST_ADDRESS;
    }

    /** {@return what lies at an address} */
    static MemorySegment at(long address, long bytes) {
        var place = PLACES.floorEntry(address);
        return place.getValue().backing.asSlice(address - place.getKey(), bytes);
    }

    /** Refuses an address whose pages a NIC's driver is not given. */
    static void requirePeerMemory(long address) {
        if (has(address) && PLACES.floorEntry(address).getValue().gpu.offer != Offer.PEER_MEMORY) {
            throw new TransferException(ErrorCode.RESOURCE_EXHAUSTED, "ibv_reg_mr: Bad address");
        }
    }

    /** Refuses a descriptor that is closed, or an offset at which the memory does not begin. */
    static void requireDmaBuf(DmaBuf buffer, long address) {
        if (DMA_BUFS.get(buffer.descriptor()) + buffer.offset() != address) {
            throw new AssertionError("not the memory that the dma-buf is of");
        }
    }

    // ---- what kvwire sees -----------------------------------------------------------------------

    @Override
    public String device() {
        return "gpu:0";
    }

    @Override
    public boolean hostAccessible() {
        return false;
    }

    @Override
    @SuppressWarnings("restricted") // addresses of a device
    public MemorySegment allocate(long bytes, long alignment) {
        long room = (bytes + 2 * PAGE_BYTES - 1) & -PAGE_BYTES;
        // Not at the start of a page, so that the offset in a dma-buf matters.
        long address = NEXT_ADDRESS.getAndAdd(room) + PAGE_BYTES / 2;
        PLACES.put(address, new Place(this, arena.allocate(bytes, 64)));
        try (var closed = Arena.ofShared()) {
            return MemorySegment.ofAddress(address).reinterpret(bytes, closed, null);
        }
    }

    /** {@return the memory itself, for the test alone} */
    MemorySegment backing(MemorySegment memory) {
        return at(memory.address(), memory.byteSize());
    }

    @Override
    public void free(MemorySegment memory) {
        PLACES.remove(memory.address());
    }

    @Override
    public void gather(RunCursor source, MemorySegment target) {
        gathers.incrementAndGet();
        for (long to = 0; source.next(); to += source.length()) {
            target.asSlice(to, source.length()).copyFrom(run(source));
        }
    }

    @Override
    public void scatter(MemorySegment source, RunCursor target) {
        scatters.incrementAndGet();
        for (long from = 0; target.next(); from += target.length()) {
            run(target).copyFrom(source.asSlice(from, target.length()));
        }
    }

    private static MemorySegment run(RunCursor runs) {
        return at(runs.segment().address() + runs.offset(), runs.length());
    }

    @Override
    public Optional<NicAccess> nicAccess() {
        return Optional.of(this);
    }

    @Override
    public DmaBuf dmaBuf(MemorySegment memory) {
        if (offer != Offer.DMA_BUF) {
            throw new TransferException(ErrorCode.PATH_UNAVAILABLE, "this driver has none");
        }
        int descriptor = NEXT_DESCRIPTOR.getAndIncrement();
        long start = memory.address() & -PAGE_BYTES;
        DMA_BUFS.put(descriptor, start);
        return new DmaBuf(descriptor, memory.address() - start, () -> DMA_BUFS.remove(descriptor));
    }

    /** {@return descriptors that nobody has closed} */
    static int openDmaBufs() {
        return DMA_BUFS.size();
    }

    @Override
    public void preparePeerMemory(MemorySegment memory) {
        // Simulated copies are synchronous.
    }

    @Override
    public String peerMemoryAdvice() {
        return "load sim-peermem";
    }

    @Override
    public void settle() {
        settles.incrementAndGet();
    }

    @Override
    public void close() {
        PLACES.values().removeIf(place -> place.gpu.equals(this));
        arena.close();
    }
}
