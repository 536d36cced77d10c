package io.kvwire.rdma;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.util.ArrayDeque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/** Who gets through rdma_cm to a queue pair, on a device of this host. */
@Tag("rdma")
@Tag("rdma-device")
class ManagedQueuePairTest {
    private static final long SECRET = 0x1234_5678_9ABC_DEF0L;

    private final ArrayDeque<AutoCloseable> opened = new ArrayDeque<>();
    private RailChoice.Pick pick;
    private VerbsDevice device;
    private CompletionQueue completions;
    private ReceiveQueue receives;

    @BeforeEach
    void openTheDevice() {
        var verbs = NativeVerbs.panama();
        assumeTrue(
                verbs.unavailable().isEmpty() && !verbs.ports().isEmpty(),
                "no RDMA device: run it with transport-rdma/rig");
        var options = RdmaOptions.of(NodeConfig.named("test"));
        pick = RailChoice.of(verbs.ports(), options).rails().getFirst();
        device = keep(verbs.open(pick.port().device()));
        completions = keep(device.completionQueue(64));
        receives = keep(device.receiveQueue(16));
    }

    @AfterEach
    void closeEverything() throws Exception {
        while (!opened.isEmpty()) {
            opened.pop().close();
        }
    }

    private <T extends AutoCloseable> T keep(T made) {
        opened.push(made);
        return made;
    }

    private QueuePair pair() {
        var spec = new QueueSpec(32, 1, 0, pick.gid(), 0, 1024, 4, 14, 6, 7, 12, 0, 0, 64, 8);
        return keep(device.queuePair(pick.port(), completions, receives, spec));
    }

    private RemoteEnd end(QueuePair pair, int port) {
        return new RemoteEnd(pair.number(), 0, pick.gid(), 0, 1024, 4, port);
    }

    private static long inSeconds(long seconds) {
        return System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    }

    private CompletableFuture<Void> accepting(QueuePair pair) {
        return CompletableFuture.runAsync(() -> pair.accept(end(pair, 0), SECRET, inSeconds(60)));
    }

    @Test
    void whoDoesNotKnowTheSecretIsRejectedAndKeepsNobodyOut() throws Exception {
        var far = pair();
        int port = far.listen();
        var accepted = accepting(far);
        var stranger = pair();
        var failure =
                assertThrows(
                        TransferException.class,
                        () -> stranger.connect(end(far, port), ~SECRET, inSeconds(60)));
        assertEquals(ErrorCode.UNREACHABLE, failure.code());
        assertTrue(failure.getMessage().contains("REJECTED"), failure::getMessage);
        pair().connect(end(far, port), SECRET, inSeconds(60));
        accepted.get(60, TimeUnit.SECONDS);
    }

    @Test
    void onlyOneComesIn() throws Exception {
        var far = pair();
        int port = far.listen();
        var accepted = accepting(far);
        pair().connect(end(far, port), SECRET, inSeconds(60));
        accepted.get(60, TimeUnit.SECONDS);
        var second = pair();
        assertThrows(
                TransferException.class,
                () -> second.connect(end(far, port), SECRET, inSeconds(2)));
    }

    @Test
    void nobodyComesInTime() {
        var far = pair();
        far.listen();
        var failure =
                assertThrows(
                        TransferException.class,
                        () -> far.accept(end(far, 0), SECRET, inSeconds(0)));
        assertEquals(ErrorCode.UNREACHABLE, failure.code());
    }

    @Test
    void closingEndsTheWait() throws Exception {
        var far = pair();
        far.listen();
        var accepted = accepting(far);
        far.close();
        var failure =
                assertThrows(ExecutionException.class, () -> accepted.get(60, TimeUnit.SECONDS));
        assertEquals(ErrorCode.CLOSED, ((TransferException) failure.getCause()).code());
        opened.remove(far);
    }
}
