package io.kvwire.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.tck.fault.Fault;
import io.kvwire.tck.fault.FaultPlan;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvOrder;
import io.kvwire.transport.TransferOptions;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.Arrays;

/** With a checksum, a wrong byte is found before anything is published. */
public abstract class ChecksumContract extends WireContract {
    private static final FaultPlan SPOILED = FaultPlan.NONE.with(Fault.CORRUPT_FRAME, 1);

    /** For subclasses. */
    protected ChecksumContract() {}

    @ParameterizedTest
    @ValueSource(ints = {1, 100, 257})
    void transfersWithChecksumsArrive(int tokens) {
        var near = KvLayout.builder().layers(2).kvHeads(2).headDim(8);
        var pair =
                new Pair(
                        rig,
                        Pair.Shape.of(
                                near.tokensPerBlock(16).build(),
                                near.tokensPerBlock(64).order(KvOrder.HND).build(),
                                20,
                                6));
        var options = TransferOptions.DEFAULT.withChecksum(true);
        var request = pair.request(tokens);
        var written = pair.written(pair.farMemory.image(), request);
        Waits.done(pair.peer.write(pair.transfer(request), options));
        pair.farMemory.assertIs(written, "WRITE with checksum");
        pair.nearMemory.scribble(random);
        var read = pair.read(pair.nearMemory.image(), request);
        Waits.done(pair.peer.read(pair.transfer(request), options));
        pair.nearMemory.assertIs(read, "READ with checksum");
    }

    @Test
    void aWrongByteInAWriteFailsItAndNothingIsPublished() {
        var pair = new Pair(rig, Pair.Shape.of(Layouts.SMALL, 12));
        var request = pair.request(100);
        var options = TransferOptions.DEFAULT.withChecksum(true).withNotification(new byte[] {1});
        rig.at(pair.far).use(SPOILED);
        try (var reception =
                pair.far.expect(request.id(), pair.farCache, request.farTable(), 0, 100)) {
            var transfer = pair.peer.write(pair.transfer(request), options);
            var failed = Waits.failed(transfer);
            assertEquals(ErrorCode.CORRUPT, failed.code(), failed.message());
            assertEquals(
                    ErrorCode.CORRUPT,
                    Waits.failure("the reception", reception.completion()).code());
            assertTrue(reception.layer(0).isCompletedExceptionally());
        }
        assertTrue(rig.injector().count(Fault.CORRUPT_FRAME) > 0);
        rig.injector().calm();
        // Other frames of the failed transfer may still be on their way into its blocks.
        Waits.get("the target is quiet", pair.farCache.retire(request.farTable()));
        theNextOneArrives(pair);
        assertTrue(rig.events(pair.far).notices.isEmpty(), "nothing was notified");
    }

    @Test
    void aWrongByteInAReadFailsIt() {
        var pair = new Pair(rig, Pair.Shape.of(Layouts.SMALL, 12));
        var options = TransferOptions.DEFAULT.withChecksum(true).withNotification(new byte[] {1});
        rig.at(pair.near).use(SPOILED);
        var transfer = pair.peer.read(pair.transfer(pair.request(50)), options);
        assertEquals(ErrorCode.CORRUPT, Waits.failed(transfer).code());
        rig.injector().calm();
        theNextOneArrives(pair);
        assertTrue(rig.events(pair.near).notices.isEmpty(), "nothing was notified");
    }

    private static void theNextOneArrives(Pair pair) {
        var request = pair.request(20);
        var expected = pair.written(pair.farMemory.image(), request);
        Waits.done(
                pair.peer.write(
                        pair.transfer(request), TransferOptions.DEFAULT.withChecksum(true)));
        pair.farMemory.assertIs(expected, "WRITE after a corrupt one");
    }

    @Test
    void withoutAChecksumTheInjectedByteIsReallyWrong() {
        needsRawBlocks(); // encoded frames have checksums of their own
        var pair = new Pair(rig, Pair.Shape.of(Layouts.SMALL, 12));
        var request = pair.request(50);
        var expected = pair.written(pair.farMemory.image(), request);
        rig.at(pair.far).use(SPOILED);
        Waits.done(pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT));
        assertFalse(
                Arrays.equals(expected, pair.farMemory.image()),
                "the injector spoils nothing, so the tests above would show nothing");
    }
}
