package io.kvwire.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.tck.fault.StallPoint;
import io.kvwire.transport.Access;
import io.kvwire.transport.DType;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvScales;
import io.kvwire.transport.Limits;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferNode;
import io.kvwire.transport.TransferOptions;

import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.function.UnaryOperator;

/** Each limit holds, says which it is, and gives room again when something ends. */
public abstract class LimitsContract extends WireContract {
    /** For subclasses. */
    protected LimitsContract() {}

    private static UnaryOperator<NodeConfig> most(int peers, int regions) {
        var d = Limits.DEFAULT;
        return limits(peers, regions, d.maxControlBytes(), d.maxNotificationBytes());
    }

    private static UnaryOperator<NodeConfig> limits(
            int peers, int regions, int controlBytes, int notificationBytes) {
        return Settings.limits(d ->
                new Limits(
                        peers,
                        regions,
                        controlBytes,
                        d.maxFramePayloadBytes(),
                        notificationBytes,
                        d.maxTransfersPerPeer(),
                        d.maxQueuedTransfers(),
                        d.windowBytes(),
                        d.handshakeTimeout(),
                        d.heartbeatInterval(),
                        d.peerTimeout()));
    }

    @Test
    void oneTooManyPeersIsRefused() {
        var far = rig.node("far", most(2, 10));
        var first = rig.connect(rig.node("a"), far);
        rig.connect(rig.node("b"), far);
        var late = rig.node("c");
        var refusal = Waits.failure("connecting", late.connect(far.address()));
        assertEquals(ErrorCode.RESOURCE_EXHAUSTED, refusal.code(), refusal.getMessage());
        assertTrue(refusal.getMessage().contains("maxPeers"), refusal.getMessage());
        assertTrue(first.connected(), "those that are there stay");

        first.close();
        Waits.until("there is room again", () -> connects(late, far));
    }

    private static boolean connects(TransferNode from, TransferNode to) {
        try {
            return from.connect(to.address()).join().connected();
        } catch (CompletionException e) {
            return false;
        }
    }

    @Test
    void oneTooManyRegionsIsRefused() {
        var node = rig.node("near", most(10, 3));
        var memory = rig.arena().allocate(64);
        var first = node.register(memory, Access.LOCAL);
        node.register(memory, Access.LOCAL);
        var cache = Pair.register(node, rig.memory(Layouts.SMALL, 1), Access.LOCAL);
        var refusal =
                assertThrows(TransferException.class, () -> node.register(memory, Access.LOCAL));
        assertEquals(ErrorCode.RESOURCE_EXHAUSTED, refusal.code());
        assertTrue(refusal.getMessage().contains("maxRegions"), refusal.getMessage());

        Waits.get("deregistration", first.deregister());
        Waits.get("deregistration", cache.deregister());
        node.register(memory, Access.LOCAL);
        Pair.register(node, rig.memory(Layouts.SMALL, 1), Access.LOCAL);
    }

    @Test
    void aCacheWithMoreScalesThanAControlMessageHoldsIsRefused() {
        var numbers = new float[600];
        Arrays.fill(numbers, 2);
        var layout =
                KvLayout.builder()
                        .layers(numbers.length)
                        .headDim(4)
                        .tokensPerBlock(1)
                        .dtype(DType.INT8)
                        .scales(KvScales.perLayer(numbers, numbers))
                        .build();
        var node = rig.node("near", limits(10, 10, 4096, 1024));
        var memory = rig.memory(layout, 1);
        var refusal =
                assertThrows(
                        TransferException.class, () -> Pair.register(node, memory, Access.LOCAL));
        assertEquals(ErrorCode.RESOURCE_EXHAUSTED, refusal.code());
        assertTrue(refusal.getMessage().contains("maxControlBytes"), refusal.getMessage());
        assertTrue(refusal.getMessage().contains("scales per layer"), refusal.getMessage());
    }

    @Test
    void aFrameNeverExceedsItsLimit() {
        var setting = Settings.limits(limits -> limits.withFramePayload(4096));
        var pair = new Pair(rig, Pair.Shape.of(Layouts.WIDE, 4).with(setting));
        var request = pair.request(100);
        var expected = pair.written(pair.farMemory.image(), request);
        var transfer = pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT);
        Waits.done(transfer);
        pair.farMemory.assertIs(expected, "WRITE in small frames");
        var timing = transfer.timing();
        assertTrue(timing.frames() >= timing.bytes() / 4096, timing.toString());
    }

    @Test
    void aRequestLongerThanAControlMessageWorksOrIsRefusedAndCostsNoConnection() {
        var shape =
                new Pair.Shape(
                        Layouts.SMALL,
                        Layouts.SMALL,
                        2000,
                        2000,
                        config -> config,
                        limits(10, 10, 4096, 1024));
        var pair = new Pair(rig, shape);
        var request = pair.request(1900 * 16);
        var expected = pair.read(pair.nearMemory.image(), request);
        try {
            Waits.done(pair.peer.read(pair.transfer(request), TransferOptions.DEFAULT));
            pair.nearMemory.assertIs(expected, "READ of many blocks");
        } catch (TransferException e) {
            assertEquals(ErrorCode.RESOURCE_EXHAUSTED, e.code(), e.getMessage());
            assertTrue(e.getMessage().contains("maxControlBytes"), e.getMessage());
        }
        assertTrue(pair.peer.connected());
        var written = pair.written(pair.farMemory.image(), request);
        Waits.done(pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT));
        pair.farMemory.assertIs(written, "WRITE of many blocks");
    }

    @Test
    void aNotificationLongerThanThePeerTakesIsRefusedHere() {
        var shape =
                new Pair.Shape(
                        Layouts.SMALL,
                        Layouts.SMALL,
                        1,
                        1,
                        config -> config,
                        limits(10, 10, 4096, 1024));
        var pair = new Pair(rig, shape);
        var refusal = assertThrows(TransferException.class, () -> pair.peer.notify(new byte[1025]));
        assertEquals(ErrorCode.OUT_OF_RANGE, refusal.code(), refusal.getMessage());
        pair.peer.notify(new byte[1024]);
        Waits.until("it arrives", () -> rig.events(pair.far).notices.size() == 1);
        rig.peerAt(pair.far, "near").notify(new byte[1024]);
        Waits.until("it arrives", () -> rig.events(pair.near).notices.size() == 1);
    }

    @Test
    void theSmallerWindowOfBothHolds() {
        int window = 8192;
        var small = Settings.limits(d -> d.withInFlight(10, 100, window).withFramePayload(4096));
        var pair =
                new Pair(
                        rig,
                        new Pair.Shape(Layouts.WIDE, Layouts.WIDE, 4, 4, config -> config, small));
        rig.at(pair.far).stall(StallPoint.BEFORE_PAYLOAD);
        var request = pair.request(200);
        var expected = pair.written(pair.farMemory.image(), request);
        var transfer = pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT);
        Waits.until("a frame waits for credit", () -> pair.near.metrics().creditWaits() > 0);
        assertTrue(
                pair.near.metrics().bytesSent() <= window,
                () -> "more than the window is out: " + pair.near.metrics());
        rig.at(pair.far).resume();
        Waits.done(transfer);
        pair.farMemory.assertIs(expected, "WRITE to a node with small limits");
        assertTrue(
                transfer.timing().frames() >= transfer.timing().bytes() / 4096,
                "no frame is longer than the receiver takes: " + transfer.timing());
    }

    @Test
    void aNodeIsNeverFasterThanItsRate() {
        int rate = 4 << 20;
        var pair =
                new Pair(
                        rig,
                        new Pair.Shape(
                                Layouts.WIDE,
                                Layouts.WIDE,
                                8,
                                8,
                                config -> config.withBytesPerSecond(rate),
                                config -> config));
        var request = pair.request(8 * 64);
        var expected = pair.written(pair.farMemory.image(), request);
        long started = System.nanoTime();
        var transfer = pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT);
        Waits.done(transfer);
        long nanos = System.nanoTime() - started;
        pair.farMemory.assertIs(expected, "WRITE over a slow link");
        long dueNanos = transfer.timing().bytes() * 1_000_000_000 / rate;
        assertTrue(nanos > dueNanos / 2, nanos + " ns for what takes " + dueNanos);
    }

    @Test
    void aNodeWithSmallLimitsAndOneWithLargeOnesUnderstandEachOther() {
        var small =
                Settings.limits(limits -> limits.withInFlight(1, 100, 8192).withFramePayload(4096));
        for (var settings :
                List.of(
                        new Pair.Shape(
                                Layouts.SMALL, Layouts.SMALL, 40, 40, small, config -> config),
                        new Pair.Shape(
                                Layouts.SMALL, Layouts.SMALL, 40, 40, config -> config, small))) {
            var pair = new Pair(rig, settings);
            for (int i = 0; i < 5; i++) {
                var request = pair.request(100);
                var written = pair.written(pair.farMemory.image(), request);
                var write = pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT);
                Waits.done(write);
                pair.farMemory.assertIs(written, "WRITE between unequal limits");
                var read = pair.read(pair.nearMemory.image(), request);
                Waits.done(pair.peer.read(pair.transfer(request), TransferOptions.DEFAULT));
                pair.nearMemory.assertIs(read, "READ between unequal limits");
            }
        }
    }
}
