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
 */
public record TransferOptions(Duration deadline, Optional<byte[]> notification, boolean checksum) {

    private static final Duration LONGEST = Duration.ofNanos(Long.MAX_VALUE);

    /** Thirty seconds, no notification, no checksum. */
    public static final TransferOptions DEFAULT =
            new TransferOptions(Duration.ofSeconds(30), Optional.empty(), false);

    /** Checks that the deadline is positive. */
    public TransferOptions {
        Objects.requireNonNull(notification, "notification");
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
        return new TransferOptions(value, notification, checksum);
    }

    /**
     * {@return these options with a notification}
     *
     * @param payload at most {@link Limits#maxNotificationBytes()} bytes
     */
    public TransferOptions withNotification(byte[] payload) {
        return new TransferOptions(deadline, Optional.of(payload.clone()), checksum);
    }

    /**
     * {@return these options with or without checksums}
     *
     * @param on whether to send and verify CRC32C
     */
    public TransferOptions withChecksum(boolean on) {
        return new TransferOptions(deadline, notification, on);
    }
}
