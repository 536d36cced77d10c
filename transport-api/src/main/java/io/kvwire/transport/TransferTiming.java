package io.kvwire.transport;

/**
 * Where a transfer's time went. Phases of different frames overlap, so their sum may exceed {@code
 * totalNanos}.
 *
 * @param totalNanos from submission to the outcome
 * @param queueNanos from submission to the first frame given to the wire
 * @param creditWaitNanos of those, waiting for the receiver's credits
 * @param encodeNanos gathering and encoding at the source
 * @param wireNanos from the first frame given to the wire to the receiver's confirmation
 * @param decodeNanos decoding at the target, as far as this side sees it
 * @param scatterNanos placing bytes that could not be received in place
 * @param bytes moved, before encoding
 * @param wireBytes payload on the wire, after encoding
 * @param descriptors contiguous pieces of memory, after coalescing, on this side
 * @param frames frames on the wire
 */
public record TransferTiming(
        long totalNanos,
        long queueNanos,
        long creditWaitNanos,
        long encodeNanos,
        long wireNanos,
        long decodeNanos,
        long scatterNanos,
        long bytes,
        long wireBytes,
        long descriptors,
        long frames) {}
