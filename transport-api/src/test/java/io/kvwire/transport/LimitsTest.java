package io.kvwire.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.time.Duration;

class LimitsTest {
    private static final Limits DEFAULT = Limits.DEFAULT;

    @Test
    void inFlightLimitsKeepTheOthersAndShrinkFramesToTheWindow() {
        var limits = DEFAULT.withInFlight(7, 8, 9000);

        assertEquals(7, limits.maxTransfersPerPeer());
        assertEquals(8, limits.maxQueuedTransfers());
        assertEquals(9000, limits.windowBytes());
        assertEquals(9000, limits.maxFramePayloadBytes());
        assertEquals(DEFAULT.maxNotificationBytes(), limits.maxNotificationBytes());
        assertEquals(DEFAULT.peerTimeout(), limits.peerTimeout());
    }

    @Test
    void largeFramesWidenTheWindow() {
        var limits = DEFAULT.withFramePayload(256 << 20);

        assertEquals(256 << 20, limits.maxFramePayloadBytes());
        assertEquals(256 << 20, limits.windowBytes());
        assertEquals(DEFAULT.windowBytes(), DEFAULT.withFramePayload(4096).windowBytes());
    }

    @Test
    void heartbeatsKeepTheOtherLimits() {
        var limits = DEFAULT.withHeartbeats(Duration.ofMillis(50), Duration.ofMillis(100));

        assertEquals(Duration.ofMillis(50), limits.heartbeatInterval());
        assertEquals(Duration.ofMillis(100), limits.peerTimeout());
        assertEquals(
                DEFAULT, limits.withHeartbeats(DEFAULT.heartbeatInterval(), DEFAULT.peerTimeout()));
    }

    @Test
    void aLimitOutOfRangeIsRefusedByName() {
        refused(
                "maxTransfersPerPeer is 0: need at least 1",
                () -> DEFAULT.withInFlight(0, 0, 1 << 20));
        refused(
                "maxTransfersPerPeer is 65537: need at most 65536",
                () -> DEFAULT.withInFlight(65537, 0, 1 << 20));
        refused(
                "maxQueuedTransfers is -1: need at least 0",
                () -> DEFAULT.withInFlight(1, -1, 1 << 20));
        refused(
                "maxFramePayloadBytes is 4095: need at least 4096",
                () -> DEFAULT.withFramePayload(4095));
        refused(
                "maxFramePayloadBytes is 100: need at least 4096",
                () -> DEFAULT.withInFlight(1, 1, 100));
        refused(
                "maxNotificationBytes is 3000: need at most 2048",
                () ->
                        new Limits(
                                1,
                                1,
                                4096,
                                4096,
                                3000,
                                1,
                                0,
                                4096,
                                Duration.ofSeconds(1),
                                Duration.ofSeconds(1),
                                Duration.ofSeconds(2)));
    }

    @Test
    void waitsMustBePositiveAndFitEachOther() {
        refused(
                "heartbeatInterval is PT-1S: need more than zero, at most PT8760H",
                () -> DEFAULT.withHeartbeats(Duration.ofSeconds(-1), Duration.ofSeconds(1)));
        refused(
                "heartbeatInterval is PT0S: need more than zero, at most PT8760H",
                () -> DEFAULT.withHeartbeats(Duration.ZERO, Duration.ofSeconds(1)));
        refused(
                "peerTimeout is PT8760H0.000000001S: need more than zero, at most PT8760H",
                () ->
                        DEFAULT.withHeartbeats(
                                Duration.ofSeconds(1), Duration.ofDays(365).plusNanos(1)));
        var refusal =
                assertThrows(
                        IllegalArgumentException.class,
                        () ->
                                DEFAULT.withHeartbeats(
                                        Duration.ofMillis(51), Duration.ofMillis(100)));
        assertTrue(refusal.getMessage().contains("under twice"), refusal.getMessage());
    }

    private static void refused(String message, Runnable action) {
        var refusal = assertThrows(IllegalArgumentException.class, action::run);
        assertEquals(message, refusal.getMessage());
    }
}
