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
import io.kvwire.transport.TransferOptions;

import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Unequal ends are normal: block sizes, axis orders, K and V, ranks and placements may differ. */
public abstract class LayoutContract extends WireContract {
    /** For subclasses. */
    protected LayoutContract() {}

    @RepeatedTest(6)
    void randomPairsOfLayoutsExchangeBlocksByteForByte() {
        boolean latent = random.nextInt(4) == 0;
        var model = Layouts.model(random, latent);
        var nearLayout = Layouts.one(random, model, latent);
        var farLayout = Layouts.one(random, model, latent);
        int tokens = 1 + random.nextInt(300);
        int first = random.nextInt(150);
        var pair =
                new Pair(
                        rig,
                        Pair.Shape.of(
                                nearLayout,
                                farLayout,
                                nearLayout.blocksFor(first + tokens) + 2,
                                farLayout.blocksFor(first + tokens) + 2));
        exchange(pair, first, tokens);
    }

    private static void exchange(Pair pair, int first, int tokens) {
        var request = pair.request(first, tokens);
        var what =
                pair.nearMemory.layout().describe()
                        + " and "
                        + pair.farMemory.layout().describe()
                        + ", tokens "
                        + first
                        + " + "
                        + tokens;
        var written = pair.written(pair.farMemory.image(), request);
        Waits.done(pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT));
        pair.farMemory.assertIs(written, "WRITE between " + what);

        pair.farMemory.fill(request.farTable().id(request.farTable().size() - 1), (byte) 7);
        var read = pair.read(pair.nearMemory.image(), request);
        Waits.done(pair.peer.read(pair.transfer(request), TransferOptions.DEFAULT));
        pair.nearMemory.assertIs(read, "READ between " + what);
    }

    @ParameterizedTest
    @CsvSource({
        "16, NHD, SPLIT, 128, HND, FUSED",
        "128, HND, FUSED, 16, NHD, SPLIT",
        "32, NHD, FUSED, 64, NHD, SPLIT",
        "64, HND, SPLIT, 32, HND, SPLIT",
        "16, HND, SPLIT, 16, NHD, SPLIT",
        "128, NHD, SPLIT, 128, NHD, FUSED"
    })
    void namedPairsOfLayoutsExchangeBlocksByteForByte(
            int nearTokens,
            KvOrder nearOrder,
            KvForm nearForm,
            int farTokens,
            KvOrder farOrder,
            KvForm farForm) {
        var model = KvLayout.builder().layers(2).kvHeads(4).headDim(8);
        var nearLayout = model.tokensPerBlock(nearTokens).order(nearOrder).form(nearForm).build();
        var farLayout = model.tokensPerBlock(farTokens).order(farOrder).form(farForm).build();
        int tokens = 300;
        exchange(
                new Pair(
                        rig,
                        Pair.Shape.of(
                                nearLayout,
                                farLayout,
                                nearLayout.blocksFor(tokens),
                                farLayout.blocksFor(tokens))),
                0,
                tokens);
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void aLatentOfEveryElementTypeIsCarried(DType type) {
        var model = KvLayout.builder().layers(2).headDim(24).dtype(type).form(KvForm.LATENT);
        var nearLayout = model.tokensPerBlock(16).order(KvOrder.NHD).build();
        var farLayout = model.tokensPerBlock(64).order(KvOrder.HND).build();
        exchange(new Pair(rig, Pair.Shape.of(nearLayout, farLayout, 8, 3)), 5, 100);
    }

    @ParameterizedTest
    @EnumSource(GuardedCache.Placing.class)
    void everyPlacementOfLayersIsServed(GuardedCache.Placing placing) {
        var near = rig.node("near");
        var far = rig.node("far");
        var nearMemory = rig.memory(Layouts.SMALL, 6, placing);
        var farMemory = rig.memory(Layouts.SMALL, 6, GuardedCache.Placing.PAGES);
        var nearCache = Pair.register(near, nearMemory, Access.REMOTE_READ_WRITE);
        var farCache = Pair.register(far, farMemory, Access.REMOTE_READ_WRITE);
        var peer = rig.connect(near, far);
        int[] nearIds = Layouts.scattered(random, 6, 4);
        int[] farIds = Layouts.scattered(random, 6, 4);
        var blocks =
                BlockTransfer.of(
                        1,
                        nearCache,
                        nearCache.table(nearIds),
                        peer.cache(Pair.CACHE).orElseThrow(),
                        farCache.table(farIds),
                        61);

        var written = farMemory.image();
        farMemory.receiveAll(written, farIds, nearMemory, nearIds, 0, 61);
        Waits.done(peer.write(blocks, TransferOptions.DEFAULT));
        farMemory.assertIs(written, "WRITE from " + placing);

        nearMemory.scribble(random);
        var read = nearMemory.image();
        nearMemory.receiveAll(read, nearIds, farMemory, farIds, 0, 61);
        Waits.done(peer.read(blocks, TransferOptions.DEFAULT));
        nearMemory.assertIs(read, "READ into " + placing);
    }

    @Test
    void cachesThatCannotBeMappedAreRefusedAtConnectWithBothLayouts() {
        var model = KvLayout.builder().layers(3).kvHeads(4).headDim(8);
        var mine = model.build();
        for (var theirs :
                new KvLayout[] {
                    model.layers(2).build(),
                    model.layers(3).kvHeads(2).build(),
                    model.kvHeads(4).headDim(16).build(),
                    model.headDim(8).dtype(DType.FP32).build(),
                    KvLayout.builder().layers(3).headDim(8).form(KvForm.LATENT).build()
                }) {
            var near = rig.node("near");
            var far = rig.node("far");
            Pair.register(near, rig.memory(mine, 1), Access.REMOTE_READ_WRITE);
            Pair.register(far, rig.memory(theirs, 1), Access.REMOTE_READ_WRITE);

            var refusal = Waits.failure("connecting", near.connect(far.address()));

            assertEquals(ErrorCode.INCOMPATIBLE_LAYOUT, refusal.code(), refusal.getMessage());
            assertTrue(
                    refusal.getMessage().contains(mine.describe())
                            && refusal.getMessage().contains(theirs.describe()),
                    refusal.getMessage());
            assertTrue(near.peers().isEmpty(), "a refused peer is no peer");
        }
    }

    @Test
    void ranksWithoutACommonHeadMayConnectButExchangeNothing() {
        var model = KvLayout.builder().kvHeads(4).headDim(8);
        var pair =
                new Pair(
                        rig,
                        Pair.Shape.of(
                                model.tensorParallel(0, 2).build(),
                                model.tensorParallel(1, 2).build(),
                                1,
                                1));
        var request = pair.request(16);
        var before = pair.farMemory.image();
        var refusal =
                Waits.refusal(
                        () -> pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT));
        assertEquals(ErrorCode.INCOMPATIBLE_LAYOUT, refusal.code(), refusal.getMessage());
        pair.farMemory.assertIs(before, "memory of another rank");
    }
}
