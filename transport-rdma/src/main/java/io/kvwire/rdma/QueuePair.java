package io.kvwire.rdma;

/**
 * A reliable-connected queue pair. Work requests are gathered into a batch and posted with one
 * doorbell. Confined to the thread of its poller, except for {@link #connect}, which comes before
 * that.
 */
interface QueuePair extends AutoCloseable {
    /** {@code IBV_WR_RDMA_WRITE}. */
    int WRITE = 0;

    /** {@code IBV_WR_RDMA_WRITE_WITH_IMM}. */
    int WRITE_WITH_IMMEDIATE = 1;

    /** {@code IBV_WR_SEND}. */
    int SEND = 2;

    /** {@code IBV_WR_RDMA_READ}. */
    int READ = 4;

    /** {@code IBV_WR_LOCAL_INV}: ends a binding of a {@link Window}. */
    int INVALIDATE = 7;

    /** {@code IBV_WR_BIND_MW}: what comes later is carried out when it is done. */
    int BIND = 8;

    /** {@code IBV_SEND_SIGNALED}: gives a completion also when it succeeds. */
    int SIGNALED = 1 << 1;

    /** {@code IBV_SEND_INLINE}: the bytes are taken when it is posted. */
    int INLINE = 1 << 3;

    /** {@return its number} */
    int number();

    /** {@return the bytes that a work request may carry in itself} */
    int inlineBytes();

    /** {@return whether a WRITE can carry an immediate} */
    default boolean immediates() {
        return true;
    }

    /**
     * Connects it: INIT, RTR, RTS.
     *
     * @param remote the other end
     * @throws io.kvwire.transport.TransferException when the device refuses
     */
    void connect(RemoteEnd remote);

    /**
     * Waits for the peer to connect through the system's connection manager, from now on.
     *
     * @return the port at which it waits
     * @throws io.kvwire.transport.TransferException when the address of its port cannot be used
     */
    int listen();

    /**
     * Takes the peer that comes to the port; blocks, and not the poller's thread. A {@link #close}
     * ends it.
     *
     * @param remote the other end, as far as it is known
     * @param secret the peer has to know it
     * @param deadlineNanos as of {@link System#nanoTime}
     * @throws io.kvwire.transport.TransferException when it does not come
     */
    void accept(RemoteEnd remote, long secret, long deadlineNanos);

    /**
     * Connects to a peer that {@linkplain #listen listens}; blocks, and not the poller's thread. A
     * {@link #close} ends it.
     *
     * @param remote the other end, with the port
     * @param secret shown to the peer
     * @param deadlineNanos as of {@link System#nanoTime}
     * @throws io.kvwire.transport.TransferException when the peer cannot be reached, or refuses
     */
    void connect(RemoteEnd remote, long secret, long deadlineNanos);

    /**
     * Adds a work request to the batch.
     *
     * @param opcode {@link #WRITE} and the like
     * @param flags {@link #SIGNALED} and {@link #INLINE}
     * @param id comes back in the completion
     */
    void add(int opcode, int flags, long id);

    /**
     * Says where the last work request goes to, or reads from.
     *
     * @param address at the peer
     * @param key the peer's
     */
    void remote(long address, int key);

    /**
     * Gives the last work request its immediate.
     *
     * @param value the receiver sees the same number
     */
    void immediate(int value);

    /**
     * Says what the last work request, an {@link #INVALIDATE}, ends.
     *
     * @param key that the window was bound to
     */
    default void invalidating(int key) {
        throw new UnsupportedOperationException("no memory windows");
    }

    /**
     * Says what the last work request, a {@link #BIND}, binds; {@link #showing} follows.
     *
     * @param window that is not bound
     * @param key from {@link Window#nextKey}
     */
    default void binding(Window window, int key) {
        throw new UnsupportedOperationException("no memory windows");
    }

    /**
     * Says what the window of the last work request, a {@link #BIND}, is to show.
     *
     * @param registration made with {@link MemoryAccess#WINDOW_BIND}
     * @param start of the part that is shown
     * @param bytes how long it is
     * @param access what the peer may do, bits of {@link MemoryAccess}
     */
    default void showing(MemoryKeys registration, long start, long bytes, int access) {
        throw new UnsupportedOperationException("no memory windows");
    }

    /**
     * Adds a piece of local memory to the last work request.
     *
     * @param address of the first byte
     * @param bytes how many
     * @param localKey of its registration
     */
    void gather(long address, int bytes, int localKey);

    /** {@return how many work requests a batch may still take} */
    int room();

    /**
     * Posts the batch with one doorbell.
     *
     * @throws io.kvwire.transport.TransferException with {@code LANE_LOST} when the device refuses;
     *     the queue pair is of no more use
     */
    void post();

    /**
     * {@return whether the device may still take receives of the shared queue for it, after {@link
     * #error}; false, too, where the device does not tell}
     */
    default boolean mayTakeReceives() {
        return false;
    }

    /** Brings it to the state ERR: what is posted is flushed, nothing more is carried out. */
    void error();

    /** Destroys it: when this returns the device touches nothing on its behalf. */
    @Override
    void close();
}
