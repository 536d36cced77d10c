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
    private final int remoteKey;
    private boolean closed;

    MemoryWindow(Operations operations, MemorySegment address) {
        this.operations = operations;
        this.address = address;
        remoteKey = CStruct.at(address, IbvMw.LAYOUT).get(JAVA_INT, IbvMw.RKEY);
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
