package io.kvwire.transport;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * How one transfer is carried out.
 *
 * @param deadline from submission; the transfer has ended by then
 * @param notification delivered at the receiver of the data after every byte is visible
 * @param checksum whether CRC32C goes with each frame and is verified before anything is published
 * @param trace whether this end records when each frame passed each stage
 * @param pace how a stream hands layers to the wire
 */
public record TransferOptions(
        Duration deadline,
        Optional<byte[]> notification,
        boolean checksum,
        boolean trace,
        Pace pace) {

    /** How a stream hands layers to the wire. */
    public enum Pace {
        /** Each layer as soon as it is ready. */
        LAYERWISE,
        /** Everything when the last layer is ready. */
        BULK,
        /**
         * Layer by layer, but small ones together until there is enough to saturate the link, by
         * its measured rate; all at once where the whole request is less than that.
         */
        AUTO
    }

    private static final Duration LONGEST = Duration.ofNanos(Long.MAX_VALUE);

    /** Thirty seconds, no notification, no checksum, no trace, each layer when it is ready. */
    public static final TransferOptions DEFAULT =
            new TransferOptions(
                    Duration.ofSeconds(30), Optional.empty(), false, false, Pace.LAYERWISE);

    /** Checks that the deadline is positive. */
    public TransferOptions {
        Objects.requireNonNull(notification, "notification");
        Objects.requireNonNull(pace, "pace");
        if (deadline.isNegative() || deadline.isZero()) {
            throw new IllegalArgumentException("deadline " + deadline + ": need more than zero");
        }
    }

    /**
     * {@return the deadline in nanoseconds, or as many as fit where it is farther away than that}
     */
    public long deadlineNanos() {
        return deadline.compareTo(LONGEST) < 0 ? deadline.toNanos() : Long.MAX_VALUE;
    }

    /**
     * {@return these options with another deadline}
     *
     * @param value from submission, more than zero
     */
    public TransferOptions withDeadline(Duration value) {
        return new TransferOptions(value, notification, checksum, trace, pace);
    }

    /**
     * {@return these options with a notification}
     *
     * @param payload at most {@link Limits#maxNotificationBytes()} bytes
     */
    public TransferOptions withNotification(byte[] payload) {
        return new TransferOptions(deadline, Optional.of(payload.clone()), checksum, trace, pace);
    }

    /**
     * {@return these options with or without checksums}
     *
     * @param on whether to send and verify CRC32C
     */
    public TransferOptions withChecksum(boolean on) {
        return new TransferOptions(deadline, notification, on, trace, pace);
    }

    /**
     * {@return these options with or without a record of each frame's stages}
     *
     * @param on whether to record, see {@link Transfer#trace}
     */
    public TransferOptions withTrace(boolean on) {
        return new TransferOptions(deadline, notification, checksum, on, pace);
    }

    /**
     * {@return these options with another pace}
     *
     * @param how a stream hands layers to the wire
     */
    public TransferOptions withPace(Pace how) {
        return new TransferOptions(deadline, notification, checksum, trace, how);
    }
}
