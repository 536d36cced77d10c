package io.kvwire.ffi.verbs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.kvwire.ffi.Errno;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** The bindings against a device of this host, hardware or soft; skipped where there is none. */
@Tag("rdma")
class RealDeviceTest {

    private ConnectedPair pair;

    @BeforeEach
    void connectTwoQueuePairs() {
        var devices = VerbsLibrary.devices();
        assumeTrue(
                !devices.isEmpty(),
                "no RDMA device: run transport-rdma/rig/rig test native " + getClass().getName());
        pair = new ConnectedPair(open(devices.getFirst()));
    }

    boolean tellsWhatWasTaken() {
        return true;
    }

    Context open(Device device) {
        return VerbsLibrary.open(device, device.callMode());
    }

    @AfterEach
    void closeEverything() {
        if (pair != null) {
            pair.close();
        }
    }

    @Test
    void theDeviceSaysWhatItIs() {
        var attributes = pair.context.attributes();
        assertTrue(attributes.ports() >= 1, attributes::toString);
        assertTrue(attributes.limits().queuedRequests() > 0, attributes::toString);
        assertTrue(attributes.limits().segments() > 0, attributes::toString);
        assertTrue(attributes.limits().queueEntries() > 0, attributes::toString);
        var port = pair.context.port(1);
        assertEquals(PortAttributes.State.ACTIVE, port.state());
        assertTrue(port.activeMtuBytes() >= 1024, port::toString);
        assertTrue(port.ethernet(), port::toString);
        var address = ConnectedPair.addressOf(pair.context);
        assertTrue(address.interfaceIndex() > 0, address::toString);
        assertNotEquals("", pair.context.device().driver());
    }

    @Test
    void aPortThatIsNotThereIsRefused() {
        assertThrows(TransferException.class, () -> pair.context.port(77));
        assertThrows(IllegalArgumentException.class, () -> pair.context.port(0));
    }

    @Test
    void linkedWritesArriveAndOnlyTheSignaledOneCompletes() {
        fill(pair.nearMemory);
        for (int i = 0; i < 8; i++) {
            int flags = i == 7 ? SendRequests.SIGNALED : 0;
            pair.requests.addWrite(
                    100 + i, flags, pair.farRegion.start() + i * 4096L, pair.farRegion.remoteKey());
            pair.requests.addSegment(
                    pair.nearRegion.start() + i * 4096L, 2048, pair.nearRegion.localKey());
            pair.requests.addSegment(
                    pair.nearRegion.start() + i * 4096L + 2048, 2048, pair.nearRegion.localKey());
        }
        pair.post();
        assertEquals(CompletionStatus.SUCCESS, pair.awaitStatus(pair.sends));
        assertEquals(107, pair.completions.id(0));
        assertEquals(Completions.OPCODE_WRITE, pair.completions.opcode(0));
        assertEquals(
                -1, pair.nearMemory.asSlice(0, 32768).mismatch(pair.farMemory.asSlice(0, 32768)));
        assertEquals(0, pair.farMemory.get(JAVA_BYTE, 32768));
    }

    @Test
    void anImmediateArrivesAsTheNumberThatWasSent() {
        pair.toReceive.add(7);
        assertEquals(0, pair.far.post(pair.toReceive));
        fill(pair.nearMemory);
        pair.requests.addWriteImmediate(
                1,
                SendRequests.SIGNALED,
                pair.farRegion.start(),
                pair.farRegion.remoteKey(),
                0x1234_5678);
        pair.requests.addSegment(pair.nearRegion.start(), 500, pair.nearRegion.localKey());
        pair.post();
        assertEquals(CompletionStatus.SUCCESS, pair.awaitStatus(pair.receives));
        assertEquals(7, pair.completions.id(0));
        assertEquals(Completions.OPCODE_RECEIVE_WRITE, pair.completions.opcode(0));
        assertTrue(pair.completions.hasImmediate(0));
        assertEquals(0x1234_5678, pair.completions.immediate(0));
        assertEquals(500, pair.completions.bytes(0));
        assertEquals(pair.far.number(), pair.completions.queuePair(0));
        assertEquals(CompletionStatus.SUCCESS, pair.awaitStatus(pair.sends));
        assertEquals(Completions.OPCODE_WRITE, pair.completions.opcode(0));
    }

    @Test
    void aReadFetchesThePeersBytes() {
        fill(pair.farMemory);
        pair.requests.addRead(
                9, SendRequests.SIGNALED, pair.farRegion.start() + 16, pair.farRegion.remoteKey());
        pair.requests.addSegment(pair.nearRegion.start(), 10_000, pair.nearRegion.localKey());
        pair.post();
        assertEquals(CompletionStatus.SUCCESS, pair.awaitStatus(pair.sends));
        assertEquals(Completions.OPCODE_READ, pair.completions.opcode(0));
        assertEquals(
                -1,
                pair.nearMemory.asSlice(0, 10_000).mismatch(pair.farMemory.asSlice(16, 10_000)));
    }

    @Test
    void anInlineSendTakesItsBytesAtOnceAndNeedsNoKey() {
        pair.toReceive.add(1);
        pair.toReceive.addSegment(pair.farRegion.start(), 64, pair.farRegion.localKey());
        assertEquals(0, pair.far.post(pair.toReceive));
        pair.nearMemory.set(JAVA_BYTE, 0, (byte) 42);
        pair.requests.addSendImmediate(
                2, SendRequests.SIGNALED | SendRequests.INLINE | SendRequests.SOLICITED, -2);
        pair.requests.addSegment(pair.nearMemory.address(), 1, 0);
        pair.post();
        pair.nearMemory.set(JAVA_BYTE, 0, (byte) 0);
        assertEquals(CompletionStatus.SUCCESS, pair.awaitStatus(pair.receives));
        assertEquals(42, pair.farMemory.get(JAVA_BYTE, 0));
        assertEquals(-2, pair.completions.immediate(0));
    }

    @Test
    void receivesOfASharedQueueServeItsQueuePairs() {
        try (var shared = pair.domain.createSharedReceiveQueue(16, 1);
                var queue = pair.context.createCompletionQueue(16);
                var left =
                        pair.domain.createQueuePair(
                                pair.sends,
                                pair.sends,
                                Optional.empty(),
                                new QueuePairCapacity(4, 1, 1, 1, 0));
                var right =
                        pair.domain.createQueuePair(
                                queue,
                                queue,
                                Optional.of(shared),
                                new QueuePairCapacity(4, 0, 1, 0, 0))) {
            left.initialize(1, ConnectedPair.ALL);
            right.initialize(1, ConnectedPair.ALL);
            ConnectedPair.connect(left, right, pair.context);
            ConnectedPair.connect(right, left, pair.context);
            pair.toReceive.add(55);
            pair.toReceive.addSegment(pair.farRegion.start(), 64, pair.farRegion.localKey());
            assertEquals(0, shared.post(pair.toReceive));
            assertEquals(1, pair.toReceive.accepted());
            pair.requests.addSend(3, SendRequests.SIGNALED);
            pair.requests.addSegment(pair.nearRegion.start(), 8, pair.nearRegion.localKey());
            assertEquals(0, left.post(pair.requests));
            assertEquals(CompletionStatus.SUCCESS, pair.awaitStatus(queue));
            assertEquals(55, pair.completions.id(0));
            assertEquals(CompletionStatus.SUCCESS, pair.awaitStatus(pair.sends));
        }
    }

    @Test
    void aWrongRemoteKeyFailsAndLeavesTheTargetAsItWas() {
        fill(pair.nearMemory);
        pair.requests.addWrite(
                4,
                SendRequests.SIGNALED,
                pair.farRegion.start(),
                pair.farRegion.remoteKey() ^ 0x5500);
        pair.requests.addSegment(pair.nearRegion.start(), 4096, pair.nearRegion.localKey());
        pair.post();
        assertEquals(CompletionStatus.REMOTE_ACCESS, pair.awaitStatus(pair.sends));
        assertEquals(4, pair.completions.id(0));
        assertEquals(QueuePairState.ERROR, pair.near.state());
        assertEquals(0, pair.farMemory.get(JAVA_BYTE, 1));
    }

    @Test
    void whatIsPostedComesBackFlushedWhenTheQueuePairGoesIntoError() {
        for (int i = 0; i < 3; i++) {
            pair.toReceive.add(i);
        }
        assertEquals(0, pair.far.post(pair.toReceive));
        pair.far.toError();
        int flushed = 0;
        while (flushed < 3) {
            int count = pair.await(pair.receives);
            for (int i = 0; i < count; i++) {
                assertEquals(flushed++, pair.completions.id(i));
                assertEquals(
                        CompletionStatus.FLUSHED, CompletionStatus.of(pair.completions.status(i)));
            }
        }
    }

    @Test
    void aMissingReceiveIsReportedAfterTheRetries() {
        pair.requests.addSend(5, 0);
        pair.requests.addSegment(pair.nearRegion.start(), 8, pair.nearRegion.localKey());
        pair.post();
        assertEquals(CompletionStatus.RNR_RETRY_EXCEEDED, pair.awaitStatus(pair.sends));
    }

    @Test
    void aSendQueueThatIsFullTakesAPartOfTheList() {
        // Devices round their queues up, and do not all say so.
        int more = 4 * pair.near.capacity().sends();
        var many = SendRequests.allocate(pair.arena, more, 1);
        for (int i = 0; i < more; i++) {
            // Not one completes before the last is posted: no receive is there to take them.
            many.addSend(i, 0);
        }
        assertEquals(Errno.ENOMEM, pair.near.post(many));
        int least = tellsWhatWasTaken() ? pair.near.capacity().sends() : 0;
        assertTrue(
                many.accepted() >= least && many.accepted() < more,
                () -> many.accepted() + " of " + more);
    }

    @Test
    void aSleeperIsWokenByTheNextCompletion() {
        pair.sends.requestNotification(false);
        assertEquals(0, pair.channel.await(0));
        pair.requests.addWrite(
                6, SendRequests.SIGNALED, pair.farRegion.start(), pair.farRegion.remoteKey());
        pair.requests.addSegment(pair.nearRegion.start(), 8, pair.nearRegion.localKey());
        pair.post();
        assertEquals(1, pair.channel.await(20_000));
        assertEquals(CompletionStatus.SUCCESS, pair.awaitStatus(pair.sends));
        assertEquals(0, pair.channel.await(0));
    }

    @Test
    void aWindowShowsItsPartOfTheRegionUntilItIsInvalidated() {
        assumeTrue(pair.context.attributes().hasType2Windows(), "the device has no type 2 windows");
        try (var window = pair.domain.allocateWindow()) {
            int key = MemoryWindow.nextKey(window.remoteKey());
            pair.requests.addBind(1, SendRequests.SIGNALED, window, key);
            pair.requests.showing(
                    pair.farRegion, pair.farRegion.start() + 4096, 4096, AccessFlags.REMOTE_WRITE);
            assertEquals(0, pair.far.post(pair.requests));
            pair.requests.clear();
            assertEquals(CompletionStatus.SUCCESS, pair.awaitStatus(pair.receives));
            assertEquals(Completions.OPCODE_BIND, pair.completions.opcode(0));

            fill(pair.nearMemory);
            writeWith(key, pair.farRegion.start() + 4096);
            assertEquals(CompletionStatus.SUCCESS, pair.awaitStatus(pair.sends));
            assertEquals(
                    -1, pair.nearMemory.asSlice(0, 64).mismatch(pair.farMemory.asSlice(4096, 64)));

            pair.requests.addInvalidate(2, SendRequests.SIGNALED, key);
            assertEquals(0, pair.far.post(pair.requests));
            pair.requests.clear();
            assertEquals(CompletionStatus.SUCCESS, pair.awaitStatus(pair.receives));
            window.hadKey(key);
            int next = MemoryWindow.nextKey(key);
            pair.requests.addBind(3, SendRequests.SIGNALED, window, next);
            pair.requests.showing(
                    pair.farRegion, pair.farRegion.start() + 8192, 4096, AccessFlags.REMOTE_WRITE);
            assertEquals(0, pair.far.post(pair.requests));
            pair.requests.clear();
            assertEquals(CompletionStatus.SUCCESS, pair.awaitStatus(pair.receives));
            writeWith(next, pair.farRegion.start() + 8192);
            assertEquals(CompletionStatus.SUCCESS, pair.awaitStatus(pair.sends));

            writeWith(key, pair.farRegion.start() + 4096);
            assertEquals(CompletionStatus.REMOTE_ACCESS, pair.awaitStatus(pair.sends));
        }
    }

    @Test
    void nothingHappenedToADeviceThatIsWell() {
        while (pair.context.nextEvent(0).isPresent()) {
            // Events of the set-up, such as an established connection.
        }
        assertEquals(Optional.empty(), pair.context.nextEvent(0));
    }

    @Test
    void aDomainInUseIsNotFreedAndSaysWhatToDo() {
        var failure = assertThrows(TransferException.class, pair.domain::close);
        assertEquals(ErrorCode.RESOURCE_EXHAUSTED, failure.code());
        assertTrue(failure.getMessage().contains("first"), failure::getMessage);
    }

    @Test
    void aClosedQueuePairRefusesToPost() {
        pair.near.close();
        pair.requests.addSend(1, 0);
        var failure = assertThrows(TransferException.class, () -> pair.near.post(pair.requests));
        assertEquals(ErrorCode.CLOSED, failure.code());
    }

    @Test
    void hintsOfARegistrationAreTakenOrDropped() {
        try (var region =
                pair.domain.register(
                        pair.nearMemory, AccessFlags.LOCAL_WRITE | AccessFlags.RELAXED_ORDERING)) {
            assertNotEquals(0, region.localKey());
            assertEquals(pair.nearMemory.address(), region.start());
        }
    }

    @Test
    void aDescriptorThatIsNoDmaBufIsRefused() {
        var failure =
                assertThrows(
                        TransferException.class,
                        () -> pair.domain.registerDmaBuf(0, 0, 4096, 0, AccessFlags.LOCAL_WRITE));
        assertTrue(failure.getMessage().contains("ibv_reg_dmabuf_mr"), failure::getMessage);
    }

    private void writeWith(int key, long address) {
        pair.requests.addWrite(3, SendRequests.SIGNALED, address, key);
        pair.requests.addSegment(pair.nearRegion.start(), 64, pair.nearRegion.localKey());
        pair.post();
    }

    private static void fill(MemorySegment memory) {
        for (long i = 0; i < memory.byteSize(); i++) {
            memory.set(JAVA_BYTE, i, (byte) (i * 31 + 7));
        }
    }
}
