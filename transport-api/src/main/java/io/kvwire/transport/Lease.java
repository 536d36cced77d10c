package io.kvwire.transport;

/**
 * The owner's promise to keep blocks unchanged until a time, so that a peer may READ them. Its id
 * is random and never used again, which is the fence: a lease that has run out cannot be revived,
 * and a late renewal or release of an old one finds nothing.
 *
 * <p>Thread-safe. Releasing twice is harmless.
 */
public interface Lease extends AutoCloseable {
    /**
     * {@return the name of this lease at its owner; travels to the reader in an application's
     * message}
     */
    long id();

    /** {@return the request whose blocks it keeps} */
    long requestId();

    /** {@return how often it was renewed} */
    int epoch();

    /** {@return whether it is neither released nor run out} */
    boolean valid();

    /**
     * Extends the promise.
     *
     * @param timeToLiveNanos from now
     * @return whether it was still valid; a lease that ran out stays so
     */
    boolean renew(long timeToLiveNanos);

    /** Ends the promise; reads that still use it fail with {@link ErrorCode#LEASE_EXPIRED}. */
    @Override
    void close();
}
