package io.kvwire.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.tck.fault.Fault;
import io.kvwire.tck.fault.FaultPlan;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.Peer;
import io.kvwire.transport.Transfer;
import io.kvwire.transport.TransferOptions;
import io.kvwire.transport.TransferOutcome;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * One terminal state, once, whoever comes first: completion, cancel, deadline or loss of the peer.
 */
public abstract class RaceContract extends WireContract {
    private static final KvLayout LAYOUT =
            KvLayout.builder().layers(2).kvHeads(2).headDim(32).tokensPerBlock(16).build();
    private static final int ROUNDS = 300;
    private static final int CLOSING_ROUNDS = 40;

    /** For subclasses. */
    protected RaceContract() {}

    @Test
    void completionCancelAndDeadlineLeaveOneOutcome() {
        var pair = new Pair(rig, Pair.Shape.of(LAYOUT, 12));
        rig.at(pair.near).use(slow());
        rig.at(pair.far).use(slow());
        var request = pair.request(90);
        for (int i = 0; i < ROUNDS; i++) {
            var options =
                    TransferOptions.DEFAULT.withDeadline(
                            Duration.ofNanos(1 + random.nextLong(2_000_000)));
            var transfer = submit(pair, request, options);
            var completions = new AtomicInteger();
            var counted = transfer.completion().thenRun(completions::incrementAndGet);
            boolean cancels = random.nextBoolean();
            boolean cancelled = cancels && cancelSoon(transfer);

            var outcome = Waits.outcome(transfer);
            Waits.get("the completion", counted);
            assertEquals(1, completions.get(), "completed once");
            assertEquals(outcome, transfer.outcome().orElseThrow(), "the outcome stays");
            assertEquals(
                    cancelled,
                    outcome instanceof TransferOutcome.Cancelled,
                    "cancel() says whether it ended the transfer; it is " + outcome);
            if (outcome instanceof TransferOutcome.Failed failed) {
                assertEquals(ErrorCode.DEADLINE_EXCEEDED, failed.code(), failed.message());
            }
            Waits.quiet(transfer);
        }
        eachEndedOnce(pair, ROUNDS);
        rig.injector().calm();
        var expected = pair.written(pair.farMemory.image(), request);
        Waits.done(pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT));
        pair.farMemory.assertIs(expected, "a WRITE after the races");
    }

    private static FaultPlan slow() {
        return FaultPlan.NONE
                .withLongestDelay(Duration.ofMillis(2))
                .with(Fault.DELAY_FRAME, 0.3)
                .with(Fault.DELAY_CONTROL, 0.1);
    }

    private Transfer submit(Pair pair, Pair.Request request, TransferOptions options) {
        var what = pair.transfer(request);
        return random.nextBoolean()
                ? pair.peer.write(what, options)
                : pair.peer.read(what, options);
    }

    private boolean cancelSoon(Transfer transfer) {
        LockSupport.parkNanos(random.nextLong(1_500_000));
        return transfer.cancel();
    }

    private void eachEndedOnce(Pair pair, int count) {
        var ended = rig.events(pair.near).ended;
        Waits.until("each end is reported", () -> ended.size() == count);
        assertTrue(ended.values().stream().allMatch(times -> times == 1), "each exactly once");
    }

    @Test
    void theLossOfThePeerAmongTransfersLeavesOneOutcomeEach() {
        var pair = new Pair(rig, Pair.Shape.of(LAYOUT, 12));
        rig.at(pair.near).use(slow());
        var request = pair.request(90);
        int submitted = 0;
        Peer peer = pair.peer;
        for (int i = 0; i < CLOSING_ROUNDS; i++) {
            var transfers = new Transfer[6];
            for (int k = 0; k < transfers.length; k++) {
                transfers[k] =
                        k % 2 == 0
                                ? peer.write(pair.transfer(request), TransferOptions.DEFAULT)
                                : peer.read(pair.transfer(request), TransferOptions.DEFAULT);
                submitted++;
            }
            var closing = i % 2 == 0 ? peer : rig.peerAt(pair.far, "near");
            var closed = CompletableFuture.runAsync(() -> closeSoon(closing));
            transfers[random.nextInt(transfers.length)].cancel();
            for (var transfer : transfers) {
                assertExpected(Waits.outcome(transfer));
                Waits.quiet(transfer);
            }
            Waits.get("the close", closed);
            Waits.get("the end of the connection", peer.closed());
            peer = rig.connect(pair.near, pair.far);
        }
        eachEndedOnce(pair, submitted);
    }

    private static void closeSoon(Peer peer) {
        LockSupport.parkNanos(ThreadLocalRandom.current().nextLong(1_000_000));
        peer.close();
    }

    private static void assertExpected(TransferOutcome outcome) {
        if (outcome instanceof TransferOutcome.Failed failed) {
            assertTrue(
                    Set.of(ErrorCode.PEER_LOST, ErrorCode.LANE_LOST, ErrorCode.CLOSED)
                            .contains(failed.code()),
                    failed.toString());
        }
    }
}
