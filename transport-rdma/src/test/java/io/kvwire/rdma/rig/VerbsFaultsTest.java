package io.kvwire.rdma.rig;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.ffi.verbs.AccessFlags;
import io.kvwire.ffi.verbs.CompletionStatus;
import io.kvwire.rdma.rig.Faults.Counters;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.Collections;
import java.util.List;

/**
 * What queue pairs between two hosts do under faults: the ground that the wire stands on. Each
 * request ends exactly once, and nothing is written that was not allowed.
 */
@Tag("two-hosts")
@Timeout(600)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class VerbsFaultsTest {
    private static final long HERE = 1;
    private static final long THERE = 2;
    private static final int FOR_EVER = 7;

    private OtherHost.Running peer;
    private VerbsEnd end;
    private VerbsEnd.Address there;

    @BeforeAll
    void startPeer() {
        OtherHost.assumePresent();
        peer = OtherHost.start(VerbsPeer.class);
        assertTrue(Long.parseLong(peer.line()) > 0);
    }

    @AfterAll
    void stopPeer() {
        if (peer != null) {
            peer.close();
        }
    }

    @BeforeEach
    void openBothEnds() {
        end = new VerbsEnd();
        end.fill(HERE);
        there = VerbsEnd.Address.parse(peer.ask("open"));
        peer.ask("fill " + THERE);
    }

    @AfterEach
    void nothingEndsTwice() {
        assertEquals(0, end.more(), "completions beyond one for each request");
        end.close();
    }

    private void connect(int retries, int notReadyRetries) {
        connect(peer, retries, notReadyRetries);
    }

    private void connect(OtherHost.Running other, int retries, int notReadyRetries) {
        other.ask("connect " + end.address().text());
        end.connect(there, retries, notReadyRetries);
    }

    /** Writes all of the memory, in eight requests. */
    private void writeAll() {
        int each = VerbsEnd.BYTES / 8;
        for (int i = 0; i < 8; i++) {
            end.write(i, there, (long) i * each, each);
        }
        assertEquals(Collections.nCopies(8, CompletionStatus.SUCCESS), end.await(8));
        assertEquals("-1", peer.ask("differs " + HERE), "the bytes that arrived");
    }

    private void assertTargetUnchanged() {
        assertEquals("-1", peer.ask("differs " + THERE), "the target was touched");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 5, 10})
    void lostPacketsAreSentAgain(int percent) throws Exception {
        connect(FOR_EVER, FOR_EVER);
        var before = Counters.now();
        try (var _ = Faults.netem("loss " + percent + "%")) {
            writeAll();
        }
        before.assertRise("out_of_seq_request", "rcvd_seq_err", "completer_retry_err");
    }

    @Test
    void packetsInAnotherOrderArriveInOrder() throws Exception {
        connect(FOR_EVER, FOR_EVER);
        var before = Counters.now();
        try (var _ = Faults.netem("delay 2ms reorder 98%")) {
            writeAll();
        }
        before.assertRise("out_of_seq_request");
    }

    @Test
    void duplicatesAreDropped() throws Exception {
        connect(FOR_EVER, FOR_EVER);
        var before = Counters.now();
        try (var _ = Faults.netem("duplicate 20%")) {
            writeAll();
        }
        before.assertRise("duplicate_request");
    }

    @Test
    void aCableThatIsOutForFiveSecondsIsOutlasted() {
        connect(FOR_EVER, FOR_EVER);
        var before = Counters.now();
        var pulled = Thread.ofPlatform().start(() -> Faults.pullCable(5));
        while (pulled.isAlive()) {
            end.write(1, there, 0, 1 << 16);
            assertEquals(List.of(CompletionStatus.SUCCESS), end.await(1));
        }
        writeAll();
        before.assertRise("link_downed");
    }

    @Test
    void aWrongKeyIsRefused() {
        connect(FOR_EVER, FOR_EVER);
        var wrong = new VerbsEnd.Address(there.number(), there.gid(), there.start(), ~there.key());
        end.write(1, wrong, 0, 4096);
        assertEquals(List.of(CompletionStatus.REMOTE_ACCESS), end.await(1));
        assertTargetUnchanged();
    }

    @Test
    void aKeyOfMemoryThatWasRegisteredAnewIsRefused() {
        connect(FOR_EVER, FOR_EVER);
        peer.ask("register " + (AccessFlags.LOCAL_WRITE | AccessFlags.REMOTE_WRITE));
        end.write(1, there, 0, 4096);
        assertEquals(List.of(CompletionStatus.REMOTE_ACCESS), end.await(1));
        assertTargetUnchanged();
    }

    @Test
    void aRangePastTheEndIsRefused() {
        connect(FOR_EVER, FOR_EVER);
        end.write(1, there, VerbsEnd.BYTES - 4096 + 1, 1);
        assertEquals(List.of(CompletionStatus.SUCCESS), end.await(1));
        peer.ask("fill " + THERE);
        end.write(2, there, VerbsEnd.BYTES, 4096);
        assertEquals(List.of(CompletionStatus.REMOTE_ACCESS), end.await(1));
        assertTargetUnchanged();
    }

    @Test
    void aWriteToMemoryThatIsOnlyToBeReadIsRefused() {
        connect(FOR_EVER, FOR_EVER);
        int readable = AccessFlags.LOCAL_WRITE | AccessFlags.REMOTE_READ;
        there = VerbsEnd.Address.parse(peer.ask("register " + readable));
        end.read(1, there, 0, 4096);
        assertEquals(List.of(CompletionStatus.SUCCESS), end.await(1));
        end.write(2, there, 0, 4096);
        assertEquals(List.of(CompletionStatus.REMOTE_ACCESS), end.await(1));
        assertTargetUnchanged();
    }

    @Test
    void aSendWithoutAReceiveFailsWhenItsRetriesAreUsedUp() {
        connect(FOR_EVER, 2);
        var before = Counters.now();
        end.send(1, 4096);
        assertEquals(List.of(CompletionStatus.RNR_RETRY_EXCEEDED), end.await(1));
        before.assertRise("rcvd_rnr_err", "send_rnr_err");
        assertTargetUnchanged();
    }

    @Test
    void aSendWaitsForItsReceiveWhenItMayRetryForEver() {
        connect(FOR_EVER, FOR_EVER);
        var before = Counters.now();
        end.send(1, VerbsEnd.BYTES);
        peer.ask("receive");
        assertEquals(List.of(CompletionStatus.SUCCESS), end.await(1));
        assertEquals("-1", peer.ask("differs " + HERE));
        before.assertRise("rcvd_rnr_err", "send_rnr_err");
    }

    @Test
    void everyRequestOfAQueuePairInErrorEndsOnce() {
        connect(FOR_EVER, FOR_EVER);
        for (int i = 0; i < 32; i++) {
            end.read(i, there, 0, 1 << 18);
        }
        end.toError();
        var ends = end.await(32);
        assertEquals(CompletionStatus.FLUSHED, ends.getLast());
        assertFlushedAfter(ends, CompletionStatus.FLUSHED);
    }

    @Test
    void memoryThatIsTakenAwayDuringWritesFailsTheRest() {
        connect(FOR_EVER, FOR_EVER);
        for (int i = 0; i < 32; i++) {
            end.write(i, there, 0, VerbsEnd.BYTES);
        }
        peer.ask("register " + AccessFlags.LOCAL_WRITE);
        assertFlushedAfter(end.await(32), CompletionStatus.REMOTE_ACCESS);
    }

    @Test
    void requestsInFlightToAPeerThatIsKilledEnd() {
        try (var doomed = OtherHost.start(VerbsPeer.class)) {
            var process = doomed.line();
            there = VerbsEnd.Address.parse(doomed.ask("open"));
            connect(doomed, 6, FOR_EVER);
            for (int i = 0; i < 32; i++) {
                end.write(i, there, 0, VerbsEnd.BYTES);
            }
            OtherHost.run("kill -KILL " + process);
            // The kernel there may take the memory away first, or the queue pair.
            assertFlushedAfter(
                    end.await(32), CompletionStatus.REMOTE_ACCESS, CompletionStatus.RETRY_EXCEEDED);
        }
    }

    @Test
    void requestsToAPeerThatIsGoneEndWhenTheirRetriesAreUsedUp() {
        try (var doomed = OtherHost.start(VerbsPeer.class)) {
            var process = doomed.line();
            there = VerbsEnd.Address.parse(doomed.ask("open"));
            connect(doomed, 6, FOR_EVER);
            var before = Counters.now();
            OtherHost.run(
                    "kill -KILL " + process + "; while [ -e /proc/" + process + " ]; do :; done");
            for (int i = 0; i < 32; i++) {
                end.write(i, there, 0, 4096);
            }
            assertFlushedAfter(end.await(32), CompletionStatus.RETRY_EXCEEDED);
            before.assertRise("retry_exceeded_err");
        }
    }

    @Test
    void aPeerThatIsStoppedIsWrittenToAllTheSame() {
        try (var stopped = OtherHost.start(VerbsPeer.class)) {
            var process = stopped.line();
            there = VerbsEnd.Address.parse(stopped.ask("open"));
            connect(stopped, FOR_EVER, FOR_EVER);
            OtherHost.run(
                    "kill -STOP " + process + "; grep -q '^State:.T' /proc/" + process + "/status");
            end.write(1, there, 0, VerbsEnd.BYTES);
            assertEquals(List.of(CompletionStatus.SUCCESS), end.await(1));
            OtherHost.run("kill -CONT " + process);
            assertEquals("-1", stopped.ask("differs " + HERE));
        }
    }

    /** Success up to the first failure, which is one of these; only flushed requests then. */
    private static void assertFlushedAfter(
            List<CompletionStatus> ends, CompletionStatus... failures) {
        int good = 0;
        while (good < ends.size() && ends.get(good) == CompletionStatus.SUCCESS) {
            good++;
        }
        assertTrue(good < ends.size(), "no request met the fault: " + ends);
        assertTrue(List.of(failures).contains(ends.get(good)), "the first failure of " + ends);
        for (var later : ends.subList(good + 1, ends.size())) {
            assertEquals(CompletionStatus.FLUSHED, later, "after the first failure of " + ends);
        }
    }
}
