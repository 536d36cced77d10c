package io.kvwire.transport.spi;

/**
 * The owner's end of memory that a peer reads in place: see {@link DataLink#grant}. Thread-safe.
 */
public interface MemoryGrant {
    /** {@return what the peer opens the memory with ({@link DataLink#open}); at most 64 KiB} */
    byte[] token();

    /**
     * Ends the grant, at once and without the peer: as soon as this returns, what the peer reads no
     * longer counts ({@link GrantedMemory#current()}), so that the memory may be used for something
     * else. Harmless when repeated, and after the link's end.
     */
    void revoke();
}
