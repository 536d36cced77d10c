package io.kvwire.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.tck.WireUnderTest.Trait;
import io.kvwire.transport.Access;
import io.kvwire.transport.BlockTable;
import io.kvwire.transport.BlockTransfer;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvStream;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.RemoteCache;
import io.kvwire.transport.Transfer;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferOptions;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;

/**
 * No trust in numbers: blocks, tokens, placements and access of caches are checked by their owner.
 */
public abstract class BoundsContract extends WireContract {
    /** For subclasses. */
    protected BoundsContract() {}

    @Test
    void aBlockPastTheEndOfTheCacheIsRefusedByItsOwner() {
        needs(Trait.OWNER_CHECKS);
        var pair = new Pair(rig, Pair.Shape.of(Layouts.SMALL, 4));
        var good = pair.request(16);
        var before = pair.farMemory.image();
        var known = pair.remote();
        var forged =
                new RemoteCache(
                        known.id(),
                        known.name(),
                        known.layout(),
                        Integer.MAX_VALUE,
                        known.access(),
                        known.incarnation());
        int generation = good.farTable().generation(0);
        for (int id : new int[] {4, 5, 1 << 20, Integer.MAX_VALUE}) {
            var outside =
                    BlockTable.of(
                            good.farTable().incarnation(), new int[] {id}, new int[] {generation});
            var what = BlockTransfer.of(7, pair.nearCache, good.nearTable(), forged, outside, 16);
            for (var refusal :
                    List.of(
                            Waits.refusal(() -> pair.peer.write(what, TransferOptions.DEFAULT)),
                            Waits.refusal(() -> pair.peer.read(what, TransferOptions.DEFAULT)))) {
                assertEquals(ErrorCode.OUT_OF_RANGE, refusal.code(), refusal.getMessage());
            }
        }
        pair.farMemory.assertIs(before, "memory after refusals");
        assertTrue(pair.peer.connected(), "a refusal costs no connection");
        Waits.done(pair.peer.write(pair.transfer(good), TransferOptions.DEFAULT));
    }

    @Test
    void aTableTooShortForItsTokensIsRefusedHere() {
        var pair = new Pair(rig, Pair.Shape.of(Layouts.SMALL, 4));
        var good = pair.request(16);
        for (int tokens : new int[] {17, 1 << 20, Integer.MAX_VALUE, -1}) {
            var refusal =
                    assertThrows(
                            TransferException.class,
                            () ->
                                    BlockTransfer.of(
                                            7,
                                            pair.nearCache,
                                            good.nearTable(),
                                            pair.remote(),
                                            good.farTable(),
                                            tokens));
            assertEquals(ErrorCode.OUT_OF_RANGE, refusal.code());
        }
        var wraps =
                assertThrows(
                        TransferException.class,
                        () ->
                                new BlockTransfer(
                                        7,
                                        pair.nearCache,
                                        good.nearTable(),
                                        pair.remote(),
                                        good.farTable(),
                                        Integer.MAX_VALUE,
                                        16,
                                        0));
        assertEquals(ErrorCode.OUT_OF_RANGE, wraps.code());
    }

    @Test
    void aForgedLayoutDoesNotMoveTheBoundsOfTheOwner() {
        needs(Trait.OWNER_CHECKS);
        var pair = new Pair(rig, Pair.Shape.of(Layouts.SMALL, 4));
        var good = pair.request(32);
        var before = pair.farMemory.image();
        var known = pair.remote();
        var longer = KvLayout.builder().layers(2).kvHeads(2).headDim(8).tokensPerBlock(64).build();
        var forged =
                new RemoteCache(
                        known.id(),
                        known.name(),
                        longer,
                        known.blocks(),
                        known.access(),
                        known.incarnation());
        var what =
                BlockTransfer.of(
                        7, pair.nearCache, good.nearTable(), forged, pair.farCache.table(3), 32);
        var outcome =
                Waits.outcome(
                        pair.peer.write(
                                what, TransferOptions.DEFAULT.withDeadline(Duration.ofSeconds(2))));
        assertTrue(!outcome.done(), "a block of 16 tokens does not take 32");
        pair.farMemory.assertIs(before, "memory after a forged layout");
    }

    @ParameterizedTest
    @EnumSource(Access.class)
    void peersDoOnlyWhatTheOwnerGrants(Access access) {
        var near = rig.node("near");
        var far = rig.node("far");
        var nearMemory = rig.memory(Layouts.SMALL, 2);
        var farMemory = rig.memory(Layouts.SMALL, 2);
        var nearCache = Pair.register(near, nearMemory, Access.LOCAL);
        var farCache = Pair.register(far, farMemory, access);
        var peer = rig.connect(near, far);
        var before = farMemory.image();
        var honest =
                peer.cache(Pair.CACHE)
                        .orElseGet(() ->
                                new RemoteCache(
                                        1,
                                        Pair.CACHE,
                                        Layouts.SMALL,
                                        2,
                                        Access.LOCAL,
                                        far.incarnation()));
        var forged =
                new RemoteCache(
                        honest.id(),
                        honest.name(),
                        honest.layout(),
                        2,
                        Access.REMOTE_READ_WRITE,
                        honest.incarnation());
        boolean owner = rig.wire().traits().contains(Trait.OWNER_CHECKS);
        for (var handle : owner ? List.of(honest, forged) : List.of(honest)) {
            var what =
                    BlockTransfer.of(
                            1, nearCache, nearCache.table(0), handle, farCache.table(1), 16);
            if (access.readable()) {
                Waits.done(peer.read(what, TransferOptions.DEFAULT));
            } else {
                denied(() -> peer.read(what, TransferOptions.DEFAULT));
            }
            if (access.writable()) {
                Waits.done(peer.write(what, TransferOptions.DEFAULT));
            } else {
                denied(() -> peer.write(what, TransferOptions.DEFAULT));
                denied(() -> streamed(peer.stream(what, TransferOptions.DEFAULT)));
                farMemory.assertIs(before, "memory that peers may not write");
            }
        }
    }

    private static Transfer streamed(KvStream stream) {
        stream.ready(0, 0, 16);
        return stream.transfer();
    }

    private static void denied(Supplier<Transfer> operation) {
        var refusal = Waits.refusal(operation);
        assertEquals(ErrorCode.ACCESS_DENIED, refusal.code(), refusal.getMessage());
    }

    @Test
    void aCacheMustFitItsMemory() {
        var node = rig.node("near");
        var memory = rig.arena().allocate(Layouts.SMALL.blockBytes() * 3);
        var fits = LayerPlacement.dense(Layouts.SMALL, memory, 3);
        for (var wrong :
                List.of(
                        List.of(fits),
                        List.of(fits, LayerPlacement.dense(Layouts.SMALL, memory, 4)),
                        List.of(fits, moved(fits, -1, 0)),
                        List.of(fits, moved(fits, 0, 1)),
                        List.of(fits, moved(fits, Long.MAX_VALUE, 0)),
                        List.of(fits, stride(fits, Long.MAX_VALUE / 2)),
                        List.of(fits, stride(fits, -1)))) {
            var refusal =
                    assertThrows(
                            TransferException.class,
                            () -> node.register("kv", Layouts.SMALL, wrong, 3, Access.LOCAL),
                            wrong.toString());
            assertEquals(ErrorCode.OUT_OF_RANGE, refusal.code(), refusal.getMessage());
        }
        node.register("kv", Layouts.SMALL, List.of(fits, fits), 3, Access.LOCAL);
    }

    private static LayerPlacement moved(LayerPlacement from, long key, long value) {
        return new LayerPlacement(
                from.key(),
                from.keyOffset() + key,
                from.value(),
                from.valueOffset() + value,
                from.blockStride());
    }

    private static LayerPlacement stride(LayerPlacement from, long stride) {
        return new LayerPlacement(
                from.key(), from.keyOffset(), from.value(), from.valueOffset(), stride);
    }

    @Test
    void blocksThatACacheDoesNotHaveAreNotNamed() {
        var node = rig.node("near");
        var cache = Pair.register(node, rig.memory(Layouts.SMALL, 3), Access.LOCAL);
        for (int id : new int[] {3, -1, Integer.MAX_VALUE}) {
            var refusal = assertThrows(TransferException.class, () -> cache.table(0, id));
            assertEquals(ErrorCode.OUT_OF_RANGE, refusal.code());
        }
        assertTrue(cache.allocate(4).isEmpty(), "more than there are");
        assertEquals(3, cache.freeBlocks(), "nothing was taken");
    }
}
