package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.MemorySegment;

/**
 * A memory window of type 2: a part of a region under a key of its own, given and taken by work
 * requests ({@link SendRequests#addBind}, {@link SendRequests#addInvalidate}).
 *
 * <p>Thread-safe up to its close.
 */
public final class MemoryWindow implements AutoCloseable {

    private static final int TAG_MASK = 0xff;

    private final Operations operations;
    private final MemorySegment address;
    private final MemorySegment struct;
    private final int remoteKey;
    private boolean closed;

    MemoryWindow(Operations operations, MemorySegment address) {
        this.operations = operations;
        this.address = address;
        struct = CStruct.at(address, IbvMw.LAYOUT);
        remoteKey = struct.get(JAVA_INT, IbvMw.RKEY);
    }

    /**
     * {@return the key it was made with; only its last eight bits change from binding to binding}
     */
    public int remoteKey() {
        return remoteKey;
    }

    /**
     * {@return the key for the next binding: the same but for its last eight bits, which count}
     *
     * @param key the key of the binding before, or {@link #remoteKey}
     */
    public static int nextKey(int key) {
        return (key & ~TAG_MASK) | ((key + 1) & TAG_MASK);
    }

    /**
     * Takes note of the key it was bound to, as whoever binds it anew must: drivers tell the device
     * by the last key which window is meant.
     *
     * @param key of the last binding, invalidated since
     */
    public void hadKey(int key) {
        struct.set(JAVA_INT, IbvMw.RKEY, key);
    }

    MemorySegment address() {
        return address;
    }

    /**
     * Frees the window, bound or not. A second call does nothing.
     *
     * @throws io.kvwire.transport.TransferException when the system refuses
     */
    @Override
    public void close() {
        if (!closed) {
            Calls.status("ibv_dealloc_mw", "", () -> operations.freeWindow(address));
            closed = true;
        }
    }
}
