package io.kvwire.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.Access;
import io.kvwire.transport.BlockTransfer;
import io.kvwire.transport.DType;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvOrder;
import io.kvwire.transport.KvScales;
import io.kvwire.transport.RemoteCache;
import io.kvwire.transport.Transfer;
import io.kvwire.transport.TransferNode;
import io.kvwire.transport.TransferOptions;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.util.function.Supplier;

/**
 * Caches of FP8 and INT8 elements go over the wire bit for bit, and what their elements are to be
 * multiplied with goes with them: both ends state the same scales, or the target learns them.
 */
public abstract class ScaleContract extends WireContract {
    private static final KvScales LAYER =
            KvScales.perLayer(new float[] {0.5f, 0.03125f}, new float[] {1.5f, 3e-4f});

    private static final KvScales HEADS =
            KvScales.perHead(
                    new float[][] {{1, 2, 3, 4}, {5, 6, 7, 8}},
                    new float[][] {{.1f, .2f, .3f, .4f}, {.5f, .6f, .7f, .8f}});

    /** The scales of the upper two of these four heads. */
    private static final KvScales UPPER_HEADS =
            KvScales.perHead(
                    new float[][] {{3, 4}, {7, 8}}, new float[][] {{.3f, .4f}, {.7f, .8f}});

    /** For subclasses. */
    protected ScaleContract() {}

    private static KvLayout.Builder model(DType type) {
        return KvLayout.builder().layers(2).kvHeads(4).headDim(16).dtype(type);
    }

    /** Exchanges blocks in both directions and compares every byte. */
    private static void exchange(Pair pair) {
        var request = pair.request(5, 100);
        var written = pair.written(pair.farMemory.image(), request);
        Waits.done(pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT));
        pair.farMemory.assertIs(written, "target of the write");

        pair.farMemory.fill(request.farTable().id(0), (byte) 0x7f);
        var read = pair.read(pair.nearMemory.image(), request);
        Waits.done(pair.peer.read(pair.transfer(request), TransferOptions.DEFAULT));
        pair.nearMemory.assertIs(read, "target of the read");
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"FP8_E4M3", "FP8_E5M2", "INT8"})
    void scalesOfEachLayerAreKnownAtBothEndsAndElementsArriveBitForBit(DType type) {
        var near = model(type).tokensPerBlock(16).scales(LAYER).build();
        var far = model(type).tokensPerBlock(64).order(KvOrder.HND).scales(LAYER).build();
        var pair = new Pair(rig, Pair.Shape.of(near, far, 9, 4));
        exchange(pair);
        assertEquals(far, pair.remote().layout());
        assertEquals(LAYER, seenFrom(pair.far, "near").layout().scales());
    }

    @Test
    void scalesOfEachHeadGoWithTheHeadsOfARank() {
        var near = model(DType.INT8).scales(HEADS).build();
        var far = model(DType.INT8).form(KvForm.FUSED).tensorParallel(1, 2).scales(UPPER_HEADS);
        var pair = new Pair(rig, Pair.Shape.of(near, far.build(), 9, 9));
        exchange(pair);
        assertEquals(UPPER_HEADS, pair.remote().layout().scales());
        assertEquals(HEADS, seenFrom(pair.far, "near").layout().scales());
    }

    @Test
    void aLatentHasScalesOfItsOwn() {
        var scales = KvScales.perLayer(new float[] {0.5f, 2}, new float[0]);
        var latent =
                KvLayout.builder()
                        .layers(2)
                        .headDim(24)
                        .dtype(DType.FP8_E4M3)
                        .form(KvForm.LATENT)
                        .scales(scales)
                        .build();
        var pair = new Pair(rig, Pair.Shape.of(latent, 9));
        exchange(pair);
        assertEquals(scales, pair.remote().layout().scales());
    }

    @Test
    void aTargetThatStatesNoneLearnsThemFromTheSourceOfItsBlocks() {
        var target = model(DType.FP8_E4M3).build();
        var source = target.withScales(LAYER);
        var pair = new Pair(rig, Pair.Shape.of(source, target, 9, 9));
        var request = pair.request(100);
        var written = pair.written(pair.farMemory.image(), request);
        Waits.done(pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT));
        pair.farMemory.assertIs(written, "target of the write");
        var learnt = seenFrom(pair.far, "near").layout().scales();
        assertEquals(LAYER, learnt);

        // The other way round the scales are the target's, and nobody knows the source's.
        var before = pair.nearMemory.image();
        assertRefused(
                "the target has scales, the source states none",
                () -> pair.peer.read(pair.transfer(request), TransferOptions.DEFAULT));
        pair.nearMemory.assertIs(before, "target of a refused read");

        // What it has learnt it can state.
        pair.farCache.deregister().join();
        var scaled = rig.memory(target.withScales(learnt), 9);
        var again = scaled.register(pair.far, Pair.CACHE, Access.REMOTE_READ);
        Waits.until(
                "the cache is announced with scales",
                () ->
                        pair.peer
                                .cache(Pair.CACHE)
                                .filter(c -> c.layout().scales().stated())
                                .isPresent());
        assertEquals(again.layout(), pair.remote().layout());
    }

    @Test
    void endsWhoseScalesDifferAreRefusedAtConnectWithTheScalesThatDiffer() {
        var mine = model(DType.INT8).scales(HEADS).build();
        var theirs =
                mine.withScales(
                        KvScales.perHead(
                                new float[][] {{1, 2, 3, 4}, {5, 6, 7, 8}},
                                new float[][] {{.1f, .2f, .3f, .4f}, {.5f, .9f, .7f, .8f}}));
        var near = rig.node("near");
        var far = rig.node("far");
        rig.memory(mine, 1).register(near, Pair.CACHE, Access.LOCAL);
        rig.memory(theirs, 1).register(far, Pair.CACHE, Access.REMOTE_WRITE);
        var refusal = Waits.failure("connecting", near.connect(far.address()));
        assertEquals(ErrorCode.INCOMPATIBLE_LAYOUT, refusal.code(), refusal.getMessage());
        for (var part :
                new String[] {"V of layer 1, KV head 1", "0.6", "0.9", "'near'", mine.describe()}) {
            assertTrue(refusal.getMessage().contains(part), refusal.getMessage());
        }
        assertTrue(near.peers().isEmpty(), "a refused peer is no peer");
    }

    @Test
    void scalesThatAreRegisteredLaterAndDifferRefuseEachTransfer() {
        var near = rig.node("near");
        var far = rig.node("far");
        var peer = rig.connect(near, far);
        var nearMemory = rig.memory(model(DType.FP8_E4M3).scales(LAYER).build(), 4);
        var farMemory = rig.memory(model(DType.FP8_E4M3).scales(HEADS).build(), 4);
        var nearCache = nearMemory.register(near, Pair.CACHE, Access.REMOTE_READ_WRITE);
        var farCache = farMemory.register(far, Pair.CACHE, Access.REMOTE_READ_WRITE);
        Waits.until("the cache is announced", () -> peer.cache(Pair.CACHE).isPresent());
        var blocks =
                BlockTransfer.of(
                        1,
                        nearCache,
                        nearCache.table(0, 1),
                        peer.cache(Pair.CACHE).orElseThrow(),
                        farCache.table(0, 1),
                        32);
        var nearBefore = nearMemory.image();
        var farBefore = farMemory.image();
        assertRefused(
                "K of layer 0, KV head 0: 0.5 and 1.0",
                () -> peer.write(blocks, TransferOptions.DEFAULT));
        assertRefused(
                "K of layer 0, KV head 0: 1.0 and 0.5",
                () -> peer.read(blocks, TransferOptions.DEFAULT));
        nearMemory.assertIs(nearBefore, "target of a refused read");
        farMemory.assertIs(farBefore, "target of a refused write");
    }

    private RemoteCache seenFrom(TransferNode node, String peer) {
        return rig.peerAt(node, peer).cache(Pair.CACHE).orElseThrow();
    }

    private static void assertRefused(String reason, Supplier<Transfer> operation) {
        var refusal = Waits.refusal(operation);
        assertEquals(ErrorCode.INCOMPATIBLE_LAYOUT, refusal.code(), refusal.getMessage());
        assertTrue(refusal.getMessage().contains(reason), refusal.getMessage());
    }
}
