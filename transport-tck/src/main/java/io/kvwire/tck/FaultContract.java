package io.kvwire.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.tck.WireUnderTest.Trait;
import io.kvwire.tck.fault.Fault;
import io.kvwire.tck.fault.FaultPlan;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.Transfer;
import io.kvwire.transport.TransferOptions;
import io.kvwire.transport.TransferOutcome;

import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Whatever goes wrong below: a transfer that is DONE is right, and every transfer ends. */
public abstract class FaultContract extends WireContract {
    private static final Set<ErrorCode> LOSSES =
            Set.of(ErrorCode.LANE_LOST, ErrorCode.PEER_LOST, ErrorCode.DEADLINE_EXCEEDED);

    /** For subclasses. */
    protected FaultContract() {}

    private Pair pair(int lanes) {
        var frames = Settings.limits(limits -> limits.withFramePayload(8192));
        return new Pair(
                rig,
                Pair.Shape.of(Layouts.WIDE, 24)
                        .with(config -> frames.apply(config.withLanes(lanes))));
    }

    /** Transfers at once, each with blocks of its own; checks those that are done. */
    private List<TransferOutcome> traffic(Pair pair, TransferOptions options, int count) {
        var requests = new ArrayList<Pair.Request>();
        var transfers = new ArrayList<Transfer>();
        for (int i = 0; i < count; i++) {
            var request = pair.request(1 + random.nextInt(100));
            requests.add(request);
            transfers.add(
                    random.nextBoolean()
                            ? pair.peer.write(pair.transfer(request), options)
                            : pair.peer.read(pair.transfer(request), options));
        }
        var outcomes = transfers.stream().map(Waits::outcome).toList();
        transfers.forEach(Waits::quiet);
        for (int i = 0; i < count; i++) {
            if (outcomes.get(i).done()) {
                assertWhole(pair, requests.get(i));
            }
            Waits.get("far blocks are free", pair.farCache.retire(requests.get(i).farTable()));
            Waits.get("near blocks are free", pair.nearCache.retire(requests.get(i).nearTable()));
        }
        return outcomes;
    }

    /** Source and target hold the same, in either direction. */
    private static void assertWhole(Pair pair, Pair.Request request) {
        for (int layer = 0; layer < Layouts.WIDE.layers(); layer++) {
            pair.farMemory.assertEqual(
                    request.farTable().ids(),
                    pair.nearMemory,
                    request.nearTable().ids(),
                    pair.farMemory.common(
                            pair.nearMemory, layer, request.firstToken(), request.tokens()));
        }
    }

    private void assertStruck(Fault fault) {
        assertTrue(rig.injector().count(fault) > 0, fault + " never struck: nothing was shown");
    }

    private static void assertOnlyLosses(List<TransferOutcome> outcomes) {
        for (var outcome : outcomes) {
            if (outcome instanceof TransferOutcome.Failed failed) {
                assertLoss(failed);
            }
        }
    }

    private static void assertLoss(TransferOutcome.Failed failed) {
        assertTrue(LOSSES.contains(failed.code()), failed.toString());
        assertFalse(failed.message().endsWith("was sent"), () -> "for no reason: " + failed);
    }

    @Test
    void delayedAndReorderedFramesArriveAllTheSame() {
        var pair = pair(4);
        var plan = FaultPlan.NONE.with(Fault.DELAY_FRAME, 0.5).with(Fault.DELAY_CONTROL, 0.2);
        rig.at(pair.near).use(plan);
        rig.at(pair.far).use(plan);
        for (var outcome : traffic(pair, TransferOptions.DEFAULT, 10)) {
            assertTrue(outcome.done(), outcome.toString());
        }
        assertStruck(Fault.DELAY_FRAME);
    }

    @Test
    void framesThatComeTwiceCountOnce() {
        var pair = pair(4);
        rig.at(pair.near).use(FaultPlan.NONE.with(Fault.REPEAT_FRAME, 0.7));
        rig.at(pair.far).use(FaultPlan.NONE.with(Fault.REPEAT_FRAME, 0.7));
        for (int round = 0; round < 3; round++) {
            for (var outcome : traffic(pair, TransferOptions.DEFAULT, 10)) {
                assertTrue(outcome.done(), outcome.toString());
            }
        }
        assertStruck(Fault.REPEAT_FRAME);
        assertEquals(pair.near.metrics().bytesSent(), pair.far.metrics().bytesReceived());
        assertEquals(pair.far.metrics().bytesSent(), pair.near.metrics().bytesReceived());
    }

    @Test
    void lateAndRepeatedControlMessagesDoNoHarm() {
        var pair = pair(2);
        var plan =
                FaultPlan.NONE
                        .with(Fault.REPEAT_CONTROL, 0.5)
                        .with(Fault.DELAY_CONTROL, 0.3)
                        .with(Fault.DELAY_FRAME, 0.3);
        rig.at(pair.near).use(plan);
        rig.at(pair.far).use(plan);
        for (int round = 0; round < 5; round++) {
            for (var outcome : traffic(pair, TransferOptions.DEFAULT, 10)) {
                assertTrue(outcome.done(), outcome.toString());
            }
        }
        assertTrue(pair.peer.connected());
        assertStruck(Fault.REPEAT_CONTROL);
    }

    @ParameterizedTest
    @EnumSource(names = {"DROP_FRAME", "DROP_CONTROL"})
    void whatIsLostInSilenceMeetsTheDeadline(Fault loss) {
        var pair = pair(2);
        rig.at(pair.near).use(FaultPlan.NONE.with(loss, 0.3));
        rig.at(pair.far).use(FaultPlan.NONE.with(loss, 0.3));
        var options = TransferOptions.DEFAULT.withDeadline(Duration.ofMillis(300));
        do {
            assertOnlyLosses(traffic(pair, options, 10));
        } while (rig.injector().count(loss) == 0);
        rig.injector().calm();
        for (var outcome : traffic(pair, TransferOptions.DEFAULT, 5)) {
            assertTrue(outcome.done(), "after the losses: " + outcome);
        }
    }

    @RepeatedTest(3)
    void aLaneThatBreaksCostsItsTransfersAndNoOther() {
        var pair = pair(4);
        rig.at(pair.far).use(FaultPlan.NONE.with(Fault.LOSE_LANE, 0.02));
        var outcomes = new ArrayList<TransferOutcome>();
        for (int round = 0; round < 50 && rig.injector().count(Fault.LOSE_LANE) == 0; round++) {
            outcomes.addAll(traffic(pair, TransferOptions.DEFAULT, 6));
        }
        rig.injector().calm();
        assertOnlyLosses(outcomes);
        assertStruck(Fault.LOSE_LANE);
        if (rig.injector().count(Fault.LOSE_LANE) < 4) {
            assertTrue(pair.peer.connected(), "a lane is left");
            theLanesThatAreLeftServe(pair);
        }
    }

    /** One end may learn of a lost lane later than the other: what it sends there is lost, too. */
    private void theLanesThatAreLeftServe(Pair pair) {
        Waits.until(
                "all transfers are done over the lanes that are left",
                () ->
                        traffic(pair, TransferOptions.DEFAULT, 6).stream()
                                .allMatch(TransferOutcome::done));
        assertTrue(
                pair.peer.connected(),
                () -> "no longer the same connection: " + pair.peer.closed().getNow(null));
    }

    @Test
    void theLossOfTheLastLaneIsTheLossOfThePeer() {
        var pair = pair(1);
        rig.at(pair.far).use(FaultPlan.NONE.with(Fault.LOSE_LANE, 1));
        var transfer = pair.peer.write(pair.transfer(pair.request(64)), TransferOptions.DEFAULT);
        assertLoss(Waits.failed(transfer));
        Waits.get("the end of the connection", pair.peer.closed());
        Waits.until("the other side notices", () -> pair.far.peers().isEmpty());
        rig.injector().calm();
        var again = rig.connect(pair.near, pair.far);
        assertTrue(again.connected());
    }

    @RepeatedTest(3)
    void aLaneCutInTheMiddleOfAPayloadCostsItsTransfersAndNoOther() {
        needs(Trait.CUTS_LANES);
        var pair = pair(3);
        rig.wire().cutLaneAfter(random.nextInt(200_000));
        // How much of it each lane takes is the wire's choice.
        Waits.until(
                "a transfer was on the lane that was cut",
                () -> {
                    var outcomes = traffic(pair, TransferOptions.DEFAULT, 8);
                    assertOnlyLosses(outcomes);
                    return outcomes.stream().anyMatch(outcome -> !outcome.done());
                });
        assertTrue(
                pair.peer.connected(),
                () -> "lanes are left, but it ended: " + pair.peer.closed().getNow(null));
        theLanesThatAreLeftServe(pair);
    }
}
