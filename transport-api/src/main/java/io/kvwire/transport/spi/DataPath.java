package io.kvwire.transport.spi;

import io.kvwire.transport.Access;

import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** A wire, opened for one node: it has its threads and listeners, and makes links to peers. */
public interface DataPath extends AutoCloseable {
    /** {@return the name of the path: {@code tcp}, {@code rdma}, {@code pcie}} */
    String name();

    /**
     * {@return what a peer's wire of the same name needs to reach this one, opaque to the node;
     * sent over the authenticated control channel}
     */
    byte[] endpoint();

    /**
     * {@return why a peer cannot be reached over this wire, or empty when nothing speaks against
     * it}
     *
     * <p>Asked on the side that was connected to, before the path is chosen, so that the next one
     * can be taken. Does not wait for the peer.
     *
     * @param endpoint the peer's {@link #endpoint()}
     */
    default Optional<String> unreachable(byte[] endpoint) {
        return Optional.empty();
    }

    /**
     * Makes the lanes to a peer; called on the side that connects.
     *
     * @param setup token, number of lanes and the peer's endpoint
     * @param handler receives frames from the moment that a lane is up
     * @return completes with the link when all lanes are up, or exceptionally with {@link
     *     io.kvwire.transport.TransferException}
     */
    CompletableFuture<DataLink> connect(LinkSetup setup, LinkHandler handler);

    /**
     * Waits for the lanes of a peer; called on the side that was connected to, before the peer is
     * told the token.
     *
     * @param setup token, number of lanes and the peer's endpoint
     * @param handler receives frames from the moment that a lane is up
     * @return completes with the link when all lanes are up, or exceptionally when they are not
     *     within {@link LinkSetup#timeoutNanos()}
     */
    CompletableFuture<DataLink> accept(LinkSetup setup, LinkHandler handler);

    /**
     * Says that memory was registered with the node, so that a wire may prepare it before the first
     * transfer. Never fails: what cannot be prepared fails the transfers that use it, and is
     * logged.
     *
     * @param memory as the runs of frames name it
     * @param access what peers may do with it
     */
    default void memoryAdded(MemorySegment memory, Access access) {}

    /**
     * Offers memory of a device that the host cannot address. A wire that takes it ({@link
     * DeviceReach#direct}) is given frames with runs in it, until {@link #memoryRemoved}, and never
     * touches them with the host: what it cannot let its hardware move it has copied by the device
     * ({@link DeviceMemory#gather}, {@link DeviceMemory#scatter}). A wire that does not take it
     * says why, and is given frames in memory of the host; nobody tells it of the end then.
     *
     * @param memory as the runs of frames would name it
     * @param device whose memory it is; open until this path is closed
     * @param access what peers may do with it
     * @return how the wire moves it; never fails
     */
    default DeviceReach deviceMemoryAdded(
            MemorySegment memory, DeviceMemory device, Access access) {
        return DeviceReach.staged("the path " + name() + " moves memory of the host alone");
    }

    /**
     * Says that a registration of memory has ended and no frame touches it any more; the owner may
     * free the memory as soon as this returns. The same memory may still be, or again become, part
     * of another registration.
     *
     * @param memory as in {@link #memoryAdded} or {@link #deviceMemoryAdded}
     */
    default void memoryRemoved(MemorySegment memory) {}

    /**
     * Says that memory of a device was registered with the node which processes of this host can
     * show each other: frames bring it as {@linkplain OutboundFrame#device their device's} where
     * the link {@linkplain DataLink#fetches fetches} it. Never fails.
     *
     * @param memory as the runs of frames name it
     * @param device that has {@link DeviceMemory#peerMemory}; open until the wire is closed
     */
    default void peerMemoryAdded(MemorySegment memory, DeviceMemory device) {}

    /**
     * Says that a registration of such memory has ended and no frame touches it any more.
     *
     * @param memory as in {@link #peerMemoryAdded}
     * @return completes when no peer has the memory open any more, so that its owner may free it
     */
    default CompletableFuture<Void> peerMemoryRemoved(MemorySegment memory) {
        return CompletableFuture.completedFuture(null);
    }

    /** Closes listeners, links and threads; returns when no thread of the wire runs any more. */
    @Override
    void close();
}
