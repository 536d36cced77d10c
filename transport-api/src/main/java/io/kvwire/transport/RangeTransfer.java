package io.kvwire.transport;

import java.util.List;
import java.util.Objects;

/**
 * Strided ranges to move between a region here and one at a peer. For engines that think in
 * registered memory rather than in blocks.
 *
 * @param requestId the application's name of the request
 * @param local region of this node
 * @param remote region of the peer
 * @param ranges what to move, in order; offsets are relative to the regions
 */
public record RangeTransfer(
        long requestId, Region local, RemoteRegion remote, List<StridedCopy> ranges) {
    /** Copies the list. Ranges are checked against both regions at submission. */
    public RangeTransfer {
        Objects.requireNonNull(local, "local");
        Objects.requireNonNull(remote, "remote");
        ranges = List.copyOf(ranges);
    }
}
