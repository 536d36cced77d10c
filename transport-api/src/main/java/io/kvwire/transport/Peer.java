package io.kvwire.transport;

import java.time.Duration;
import java.util.Collection;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * A connected remote node. A peer object stands for one connection to one incarnation: after a
 * reconnect there is a new object, and this one stays closed.
 *
 * <p>Thread-safe. Submitting never waits for the network: what exceeds the peer's credits is queued
 * up to {@link Limits#maxQueuedTransfers()}, and beyond that a transfer ends at once with {@link
 * ErrorCode#RESOURCE_EXHAUSTED}.
 */
public interface Peer extends AutoCloseable {
    /** {@return the name that the remote node gave itself} */
    String name();

    /** {@return the incarnation of the remote process} */
    long incarnation();

    /** {@return how this peer is reached, and why} */
    PathReport path();

    /** {@return whether the connection is up} */
    boolean connected();

    /** {@return completes when the connection is gone, with the reason} */
    CompletableFuture<TransferException> closed();

    /** {@return the peer's caches as last announced} */
    Collection<RemoteCache> caches();

    /**
     * {@return the peer's cache of a name}
     *
     * @param name see {@link KvCache#name()}
     */
    Optional<RemoteCache> cache(String name);

    /**
     * {@return the peer's region with an id}
     *
     * @param id as the peer's application sent it
     */
    Optional<RemoteRegion> region(int id);

    /**
     * Pushes blocks to the peer.
     *
     * @param blocks what, from where to where
     * @param options deadline, notification, checksum
     * @return the transfer; refusals by the peer are its outcome
     * @throws TransferException when the request is wrong as seen from here
     */
    Transfer write(BlockTransfer blocks, TransferOptions options);

    /**
     * Pulls blocks from the peer.
     *
     * @param blocks what, from where to where; the remote side is the source
     * @param options deadline, notification (delivered here), checksum
     * @return the transfer
     * @throws TransferException when the request is wrong as seen from here
     */
    Transfer read(BlockTransfer blocks, TransferOptions options);

    /**
     * Pushes strided ranges to the peer.
     *
     * @param ranges what, from where to where
     * @param options deadline, notification, checksum
     * @return the transfer
     * @throws TransferException when a range leaves its region as seen from here
     */
    Transfer write(RangeTransfer ranges, TransferOptions options);

    /**
     * Pulls strided ranges from the peer.
     *
     * @param ranges what, from where to where; the remote side is the source
     * @param options deadline, notification (delivered here), checksum
     * @return the transfer
     * @throws TransferException when a range leaves its region as seen from here
     */
    Transfer read(RangeTransfer ranges, TransferOptions options);

    /**
     * Opens blocks of a peer on this host to be read where they lie, without a copy. Works where
     * both ends see the same memory: over the path {@code pcie}, when the owner's cache lies in a
     * {@code SharedArena}. Everywhere else it is refused with {@link ErrorCode#PATH_UNAVAILABLE}
     * and the reason, and {@link #read(BlockTransfer, TransferOptions)} is the way.
     *
     * @param cache of the peer
     * @param blocks of one request that follow each other: all, or as many as are wanted
     * @param leaseId of the owner's lease on these blocks, see {@link Lease#id()}; renewed for as
     *     long as the view is open
     * @param deadline for opening it, more than zero; the view itself lasts as long as the lease
     * @return completes with the view, on a thread that must not be held up, unless it is cancelled
     *     before, or exceptionally with {@link TransferException}: {@link ErrorCode#LEASE_EXPIRED},
     *     {@link ErrorCode#STALE}, {@link ErrorCode#UNKNOWN_REGION}, {@link
     *     ErrorCode#ACCESS_DENIED}, {@link ErrorCode#RESOURCE_EXHAUSTED} beyond {@link
     *     Limits#maxTransfersPerPeer()} views, {@link ErrorCode#PATH_UNAVAILABLE}, {@link
     *     ErrorCode#DEADLINE_EXCEEDED}, {@link ErrorCode#PEER_LOST}
     * @throws IllegalArgumentException when the deadline is not more than zero
     */
    CompletableFuture<KvView> view(
            RemoteCache cache, BlockTable blocks, long leaseId, Duration deadline);

    /**
     * Opens a layer-wise push.
     *
     * @param blocks what, from where to where
     * @param options deadline, notification, checksum
     * @return the stream
     * @throws TransferException when the request is wrong as seen from here
     */
    KvStream stream(BlockTransfer blocks, TransferOptions options);

    /**
     * Sends a small message, delivered to {@link NodeListener#notified}. Messages of one peer
     * arrive in order.
     *
     * @param payload at most {@link Limits#maxNotificationBytes()} bytes
     * @throws TransferException with {@link ErrorCode#OUT_OF_RANGE} when it is longer, {@link
     *     ErrorCode#PEER_LOST} when the connection is gone, {@link ErrorCode#RESOURCE_EXHAUSTED}
     *     when the peer does not read
     */
    void notify(byte[] payload);

    /**
     * Extends a lease at the peer. Reads renew their lease by themselves.
     *
     * @param leaseId see {@link Lease#id()}
     * @param timeToLiveNanos from its arrival
     * @return completes with whether the lease was still valid
     */
    CompletableFuture<Boolean> renewLease(long leaseId, long timeToLiveNanos);

    /**
     * Gives a lease back to the peer.
     *
     * @param leaseId see {@link Lease#id()}
     */
    void releaseLease(long leaseId);

    /** Closes the connection; transfers that still run fail with {@link ErrorCode#PEER_LOST}. */
    @Override
    void close();
}
