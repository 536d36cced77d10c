package io.kvwire.transport.spi;

import java.lang.foreign.MemorySegment;
import java.util.List;

/** The reader's end of memory that a peer has granted: see {@link DataLink#open}. Thread-safe. */
public interface GrantedMemory extends AutoCloseable {
    /**
     * {@return the peer's memory, read-only, in the order of {@link DataLink#grant}; accessible
     * until this is closed, also when the grant or the link has ended}
     */
    List<MemorySegment> segments();

    /**
     * {@return whether the owner has not revoked the grant: what this process has read before the
     * call is what was granted then. Does not wait, asks nobody, and sees a revocation even when
     * this process was stopped meanwhile; false once closed}
     */
    boolean current();

    /**
     * Gives the memory back; its segments cannot be accessed any more. Harmless when repeated.
     *
     * @throws IllegalStateException when a native call uses one of the segments: nothing has
     *     changed then
     */
    @Override
    void close();
}
