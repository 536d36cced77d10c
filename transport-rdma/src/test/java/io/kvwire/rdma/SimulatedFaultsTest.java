package io.kvwire.rdma;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.foreign.Arena;
import java.util.HashSet;
import java.util.List;
import java.util.Map;

/**
 * What Soft-RoCE cannot show, drawn from seeds: completion queues that overrun, completions that
 * stay away, lanes that break between two packets, bytes that land in any order.
 */
class SimulatedFaultsTest {
    private static final int FRAMES = 24;
    private static final int FRAME_BYTES = 40_000;
    private static final byte CANARY = (byte) 0xC5;
    private static final int MANY_STEPS = 20_000;
    private static final Map<String, String> SMALL_REQUESTS = Map.of("rdma.requestBytes", "4096");
    private static final Map<String, String> STANDS_STILL_SOON =
            Map.of("rdma.stallMillis", "1", "rdma.drainMillis", "1", "rdma.requestBytes", "4096");

    private static SimLinks links(SimFabric fabric, long seed, Map<String, String> options) {
        return new SimLinks(fabric, seed, FRAMES, FRAME_BYTES, options);
    }

    private static TransferException broken() {
        return new TransferException(ErrorCode.LANE_LOST, "broken by the test");
    }

    /**
     * Every frame is over once, here and there; over a lane that is up, what was sent has arrived.
     * Arriving frames have compared themselves with their source.
     */
    private static void assertEveryFrameEndedOnce(SimLinks links) {
        links.steps(MANY_STEPS);
        var seen = new HashSet<>(links.far.completed);
        assertEquals(links.far.completed.size(), seen.size(), "a frame was published twice");
        for (var frame : links.sent) {
            assertEquals(1, frame.releases, () -> "frame " + frame.slice);
            boolean up = frame.arrived && !links.near.lost.contains(frame.lane);
            assertTrue(!up || seen.contains(frame.slice), () -> "frame " + frame.slice);
        }
        for (int slice : links.far.aborted) {
            assertFalse(seen.contains(slice), () -> "frame " + slice + " ended twice");
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void bytesThatLandInAnyOrderAreThereBeforeTheFrameIsPublished(long seed) {
        var fabric = new SimFabric(seed, new SimFabric.Weather(0.5, 0.9));
        try (var links = links(fabric, seed, SMALL_REQUESTS).connected()) {
            links.sendAll();
            // Each arriving frame compares itself with its source when it is published.
            links.until("all frames are over", links::allOver);
            assertEveryFrameEndedOnce(links);
            assertEquals(FRAMES, links.far.completed.size());
            assertEquals(List.of(), links.far.aborted);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void aCompletionQueueThatOverrunsEndsTheLinkOnce(long seed) {
        var fabric = new SimFabric(seed, SimFabric.Weather.FAIR).withQueueRoom(6);
        try (var links = links(fabric, seed, Map.of("rdma.drainMillis", "1")).connected()) {
            links.sendAll();
            SimLinks.poller(links.nearPath).work();
            // Nobody polls while the network goes on.
            for (int i = 0; i < MANY_STEPS; i++) {
                fabric.step();
            }
            links.until(
                    "both ends are told",
                    () -> !links.near.ends.isEmpty() && !links.far.ends.isEmpty());
            links.steps(MANY_STEPS);
            assertEquals(1, links.near.ends.size());
            assertEquals(1, links.far.ends.size());
            assertEquals(0, links.nearLink().lanes());
            assertEquals(0, fabric.queuePairs());
            assertEveryFrameEndedOnce(links);
            assertTrue(links.sent.stream().anyMatch(frame -> !frame.arrived), "all got through");
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void noMemoryIsGivenBackWhileACompletionIsOutstanding(long seed) {
        var fabric = new SimFabric(seed, SimFabric.Weather.ROUGH);
        try (var links = links(fabric, seed, SMALL_REQUESTS).connected()) {
            links.sendAll();
            links.until("a frame is on its way", () -> links.sent.getFirst().lane >= 0);
            links.steps(200);
            fabric.hold(true);
            int lane = links.sent.getFirst().lane;
            var pair = links.nearPair(lane);
            for (var frame : links.sent) {
                frame.atRelease =
                        () -> {
                            assertTrue(
                                    frame.lane != lane || frame.arrived || pair.gone(),
                                    () -> "frame " + frame.slice + " while it may be read");
                        };
            }
            links.nearLink().all().get(lane).failSoon(broken());
            links.steps(MANY_STEPS);
            assertFalse(pair.gone(), "destroyed while it was not drained");
            assertFalse(links.allOver(), "nothing was outstanding: nothing is shown");
            fabric.hold(false);
            links.until("all frames are over", links::allOver);
            assertEveryFrameEndedOnce(links);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void whatComesAfterTheQueuePairIsGoneHarmsNobody(long seed) {
        var fabric = new SimFabric(seed, SimFabric.Weather.FAIR);
        var options = Map.of("rdma.drainMillis", "1", "rdma.requestBytes", "4096");
        try (var links = links(fabric, seed, options).connected()) {
            links.sendAll();
            links.until("a frame is on its way", () -> links.sent.getFirst().lane >= 0);
            links.steps(100);
            fabric.hold(true);
            int lane = links.sent.getFirst().lane;
            links.nearLink().all().get(lane).failSoon(broken());
            // The flush does not come in time: the queue pair is destroyed, which proves the same,
            // and what it still had to report comes out then.
            links.until("the lane is gone", () -> links.nearLink().lanes() == 1);
            fabric.hold(false);
            links.until("all frames are over", links::allOver);
            assertEveryFrameEndedOnce(links);
            assertEquals(List.of(lane), links.near.lost);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void aLaneThatBreaksInTheMiddleCostsItsFramesAndNoOthers(long seed) {
        var fabric = new SimFabric(seed, SimFabric.Weather.ROUGH);
        try (var links = links(fabric, seed, SMALL_REQUESTS).connected()) {
            links.sendAll();
            links.until(
                    "frames are on both lanes",
                    () ->
                            links.sent.stream().anyMatch(frame -> frame.lane == 0)
                                    && links.sent.stream().anyMatch(frame -> frame.lane == 1));
            links.steps(300);
            links.nearPair(0).cut();
            links.until("all frames are over", links::allOver);
            assertEveryFrameEndedOnce(links);
            assertEquals(List.of(0), links.near.lost);
            links.until("the other end knows", () -> links.far.lost.equals(List.of(0)));
            for (var frame : links.sent) {
                assertTrue(frame.lane != 1 || frame.arrived, () -> "frame " + frame.slice);
            }
            assertTrue(links.sent.stream().anyMatch(frame -> !frame.arrived), "nothing was lost");
            // The lane that is left takes everything from now on.
            var lost = links.sent.stream().filter(frame -> !frame.arrived).toList();
            links.sent.clear();
            links.far.completed.clear();
            lost.forEach(frame -> links.send(frame.slice));
            links.until("what was lost is over", links::allOver);
            assertTrue(links.sent.stream().allMatch(frame -> frame.arrived && frame.lane == 1));
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void flushesThatComeInAnyOrderEndEveryFrameOnce(long seed) {
        var fabric = new SimFabric(seed, SimFabric.Weather.ROUGH).withShuffledFlushes();
        try (var links = links(fabric, seed, SMALL_REQUESTS).connected()) {
            links.sendAll();
            links.until("frames are on their way", () -> links.sent.get(4).lane >= 0);
            links.steps(100);
            var pairs = List.of(links.nearPair(0), links.nearPair(1));
            for (var frame : links.sent) {
                frame.atRelease =
                        () ->
                                assertTrue(
                                        frame.arrived
                                                || frame.lane < 0
                                                || pairs.get(frame.lane).gone(),
                                        () -> "frame " + frame.slice + " while it may be read");
            }
            pairs.forEach(SimQueuePair::cut);
            links.until("the link is gone", () -> links.near.ends.size() == 1);
            assertEveryFrameEndedOnce(links);
            assertTrue(fabric.shuffled() > 2, "nothing was flushed: nothing is shown");
            assertEquals(ErrorCode.PEER_LOST, links.near.ends.getFirst().code());
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void noReceiveGoesWithAQueuePair(long seed) {
        var fabric = new SimFabric(seed, SimFabric.Weather.ROUGH).withForgettingQueuePairs();
        try (var links = links(fabric, seed, SMALL_REQUESTS).connected()) {
            links.sendAll();
            links.until("frames are on their way", () -> links.sent.get(4).lane >= 0);
            links.steps(100);
            links.nearPair(0).cut();
            links.until("a lane is lost", () -> links.near.lost.size() == 1);
            links.nearPair(1).cut();
            links.until(
                    "the link is gone",
                    () -> links.near.ends.size() == 1 && links.far.ends.size() == 1);
            assertEveryFrameEndedOnce(links);
            for (var path : List.of(links.nearPath, links.farPath)) {
                var poller = SimLinks.poller(path);
                int posted = ((SimReceiveQueue) poller.receives()).posted.size();
                assertEquals(poller.buffers().count(), posted, "receives that are posted");
            }
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void aPeerThatStandsStillCannotWriteWhatWasTakenBack(long seed) {
        var fabric = new SimFabric(seed, SimFabric.Weather.ROUGH);
        try (var links = links(fabric, seed, Map.of("rdma.revokeMillis", "0")).connected()) {
            links.send(0);
            links.until("it is announced", () -> links.sent.getFirst().lane >= 0);
            links.untilWithoutNear("the peer may write", () -> fabric.shown() == 1);
            links.far.revoked.add(0);
            links.untilWithoutNear("the target is free", () -> !links.far.aborted.isEmpty());
            assertEquals(0, fabric.shown());
            links.target.fill(CANARY);
            links.until("the peer goes on", links::allOver);
            assertFalse(links.sent.getFirst().arrived);
            links.steps(MANY_STEPS);
            var wanted = Arena.ofAuto().allocate(links.target.byteSize()).fill(CANARY);
            assertEquals(-1, links.target.mismatch(wanted), "written after it was taken back");
            assertEquals(1, links.near.lost.size(), "the lane on which it was refused");
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void aDeviceThatDoesNotTakeAKeyAwayLosesTheLaneAndTheMemoryIsFree(long seed) {
        var fabric = new SimFabric(seed, SimFabric.Weather.ROUGH);
        var options = Map.of("rdma.revokeMillis", "0", "rdma.drainMillis", "1");
        try (var links = links(fabric, seed, options).connected()) {
            links.send(0);
            links.until("it is announced", () -> links.sent.getFirst().lane >= 0);
            links.untilWithoutNear("the peer may write", () -> fabric.shown() == 1);
            fabric.hold(true);
            links.far.revoked.add(0);
            links.untilWithoutNear("the target is free", () -> !links.far.aborted.isEmpty());
            assertEquals(0, fabric.shown());
            assertEquals(1, links.farLink().lanes());
            fabric.hold(false);
            links.until("the peer goes on", links::allOver);
            assertFalse(links.sent.getFirst().arrived);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void aDeviceThatStandsStillLosesItsLanesAndEveryFrameEndsOnce(long seed) {
        var fabric = new SimFabric(seed, SimFabric.Weather.ROUGH);
        try (var links = links(fabric, seed, STANDS_STILL_SOON).connected()) {
            links.sendAll();
            links.until("frames are on their way", () -> links.sent.get(4).lane >= 0);
            fabric.hold(true);
            links.until(
                    "both ends are told",
                    () -> !links.near.ends.isEmpty() && !links.far.ends.isEmpty());
            fabric.hold(false);
            links.until("all frames are over", links::allOver);
            assertEveryFrameEndedOnce(links);
            assertEquals(0, fabric.queuePairs());
            var why = links.near.ends.getFirst();
            assertEquals(ErrorCode.PEER_LOST, why.code());
            assertTrue(why.getMessage().contains("stands still"), why.getMessage());
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void aDeviceThatStandsStillIsFoundOutByAskingWhenItHasNothingToReport(long seed) {
        var fabric = new SimFabric(seed, SimFabric.Weather.ROUGH);
        try (var links = links(fabric, seed, STANDS_STILL_SOON).connected()) {
            links.send(0);
            links.until("it is announced", () -> links.sent.getFirst().lane >= 0);
            // The grant is one message, and the device need not report that it was sent.
            links.untilWithoutNear("it is granted", () -> fabric.shown() == 1);
            fabric.hold(true);
            links.untilWithoutNear("the lane is lost", () -> links.farLink().lanes() == 1);
            fabric.hold(false);
            links.until("all frames are over", links::allOver);
            assertEveryFrameEndedOnce(links);
        }
    }
}
