package io.kvwire.transport.spi;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * Memory of one device, and the copies between it and memory of the host. This is all that a new
 * kind of device has to bring for its caches to travel over every wire, and to and from every other
 * kind of device: {@code docs/devices.md} shows how to write one.
 *
 * <p><b>Addresses.</b> A segment of device memory stands for a range of it and is never
 * dereferenced by the host unless {@link #hostAccessible} says that it may be. Its {@linkplain
 * MemorySegment#address() address} is the device's own where the device has addresses, and
 * otherwise any number by which the device finds the range again; ranges of one device do not
 * overlap. Slices name parts of a range as they do in memory of the host, and segments that other
 * code made over the same addresses are as good as those of {@link #allocate}.
 *
 * <p><b>Ownership.</b> Whoever opens the device's context makes this, and closes it after every
 * node with which a cache in this memory was registered. The caller of {@link #allocate} owns the
 * memory until {@link #free}.
 *
 * <p><b>Threading.</b> Thread-safe. {@link #gather} and {@link #scatter} are called from several
 * threads at a time, wait for their own copy alone, and must neither wait for what the device
 * computes meanwhile nor hold it up where the device can copy beside computing. They allocate
 * nothing per call after warm-up, as far as the driver allows.
 *
 * <p><b>Errors.</b> {@link io.kvwire.transport.TransferException}: {@link
 * io.kvwire.transport.ErrorCode#OUT_OF_RANGE} for a range that is not all inside this memory,
 * before anything is copied; {@link io.kvwire.transport.ErrorCode#INTERNAL} with the driver's words
 * when a copy fails.
 */
public interface DeviceMemory extends AutoCloseable {
    /** {@return the device, as people name it: {@code cpu}, {@code cuda:0}, {@code xpu:0}} */
    String device();

    /** {@return whether the host may read and write segments of this memory directly} */
    boolean hostAccessible();

    /**
     * Allocates memory that lives until {@link #free}.
     *
     * @param bytes at least 1
     * @param alignment a power of two
     * @return the memory, filled with zeros; of a shared scope, so that all threads may pass it on
     * @throws io.kvwire.transport.TransferException with {@link
     *     io.kvwire.transport.ErrorCode#RESOURCE_EXHAUSTED} when the device has too little
     */
    MemorySegment allocate(long bytes, long alignment);

    /**
     * Frees what {@link #allocate} gave.
     *
     * @param memory not used by any transfer any more
     * @throws io.kvwire.transport.TransferException with {@link
     *     io.kvwire.transport.ErrorCode#OUT_OF_RANGE} when it was not allocated here, or was freed
     */
    void free(MemorySegment memory);

    /**
     * Copies runs of device memory to host memory, one after the other, and returns when they are
     * there. What was written to the runs before the call, by work that the caller knows to be
     * done, is what is copied.
     *
     * @param source runs in device memory, walked to their end
     * @param target host memory, at least as long as the runs together
     */
    void gather(RunCursor source, MemorySegment target);

    /**
     * Copies host memory to runs of device memory and returns when it is there, visible to all work
     * that is given to the device afterwards.
     *
     * @param source host memory, at least as long as the runs together
     * @param target runs in device memory, walked to their end
     */
    void scatter(MemorySegment source, RunCursor target);

    /**
     * Says that memory of the host will be source and target of copies again and again, so that the
     * driver may page-lock it. A device that gains nothing from that does nothing; one that fails
     * to leaves the memory as it is.
     *
     * @param host native memory, which outlives {@link #unpin}
     */
    default void pin(MemorySegment host) {}

    /**
     * Ends {@link #pin}.
     *
     * @param host the same segment; one that was never pinned is left alone
     */
    default void unpin(MemorySegment host) {}

    /**
     * {@return how NICs reach this memory themselves; empty when they cannot, and it is always
     * staged}
     */
    default Optional<NicAccess> nicAccess() {
        return Optional.empty();
    }

    /**
     * {@return the device's own INT8 coding, the same at each call; empty when the host has to do
     * it. Where it is there, frames of the codec {@code int8} are made of codes and scales that the
     * device makes and places, and the values as they are never come to the host}
     */
    default Optional<QuantisedRows> quantisedRows() {
        return Optional.empty();
    }

    /**
     * {@return how processes of this host show each other this memory; empty when they cannot, so
     * that it travels through memory of the host}
     */
    default Optional<PeerMemory> peerMemory() {
        return Optional.empty();
    }

    /** Frees everything that was allocated. */
    @Override
    void close();
}
