package io.kvwire.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.kvwire.transport.Access;
import io.kvwire.transport.BlockTable;
import io.kvwire.transport.BlockTransfer;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvCache;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvOrder;
import io.kvwire.transport.KvReception;
import io.kvwire.transport.Peer;
import io.kvwire.transport.Transfer;
import io.kvwire.transport.TransferNode;
import io.kvwire.transport.TransferOptions;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.ArrayList;
import java.util.List;

/** Prefill of M ranks and decode of N: each target counts what comes from all its sources. */
public abstract class TensorParallelContract extends WireContract {
    private static final long REQUEST = 5;
    private static final int TOKENS = 75;

    /** For subclasses. */
    protected TensorParallelContract() {}

    /** One rank: a node, its memory and the request's blocks there. */
    private record Rank(TransferNode node, GuardedCache memory, KvCache cache, BlockTable table) {}

    @ParameterizedTest
    @CsvSource({
        "8, 1, 4, 16, 64",
        "8, 4, 1, 64, 16",
        "8, 2, 4, 32, 32",
        "4, 4, 2, 16, 128",
        "2, 2, 4, 16, 32",
        "2, 4, 2, 32, 16",
        "6, 2, 3, 16, 32"
    })
    void headsAreSplitAndMergedOnTheWay(
            int kvHeads, int sources, int targets, int sourceTokens, int targetTokens) {
        var model = KvLayout.builder().layers(2).kvHeads(kvHeads).headDim(8);
        var prefill = new ArrayList<Rank>();
        for (int i = 0; i < sources; i++) {
            var layout =
                    model.tokensPerBlock(sourceTokens)
                            .order(KvOrder.NHD)
                            .tensorParallel(i, sources)
                            .build();
            prefill.add(rank("prefill-" + i, layout));
        }
        replicateHeads(prefill);
        for (int i = 0; i < targets; i++) {
            var layout =
                    model.tokensPerBlock(targetTokens)
                            .order(KvOrder.HND)
                            .tensorParallel(i, targets)
                            .build();
            gather(prefill, rank("decode-" + i, layout));
        }
    }

    private Rank rank(String name, KvLayout layout) {
        var node = rig.node(name);
        int blocks = layout.blocksFor(TOKENS);
        var memory = rig.memory(layout, blocks + 2);
        var cache = Pair.register(node, memory, Access.REMOTE_READ_WRITE);
        return new Rank(
                node, memory, cache, cache.table(Layouts.scattered(random, blocks + 2, blocks)));
    }

    /** Ranks beyond the heads hold copies; only the first of them sends. */
    private static void replicateHeads(List<Rank> ranks) {
        int next = 0;
        for (var iterator = ranks.iterator(); iterator.hasNext(); ) {
            var layout = iterator.next().memory.layout();
            if (layout.firstHead() < next) {
                iterator.remove();
            } else {
                next = layout.firstHead() + layout.heads();
            }
        }
    }

    private void gather(List<Rank> prefill, Rank decode) {
        var expected = decode.memory.image();
        var transfers = new ArrayList<Transfer>();
        try (var reception = decode.node.expect(REQUEST, decode.cache, decode.table, 0, TOKENS)) {
            for (var source : prefill) {
                if (decode.memory.common(source.memory, 0, 0, TOKENS).heads() == 0) {
                    continue;
                }
                decode.memory.receiveAll(
                        expected, decode.table.ids(), source.memory, source.table.ids(), 0, TOKENS);
                var peer = rig.connect(source.node, decode.node);
                transfers.add(write(source, peer, decode));
            }
            Waits.get("the whole request", reception.completion());
            assertEquals(
                    decode.memory.layout().tokenBytes() * TOKENS * decode.memory.layout().layers(),
                    reception.receivedBytes());
        }
        transfers.forEach(Waits::done);
        decode.memory.assertIs(expected, "request gathered from all ranks");
    }

    private static Transfer write(Rank source, Peer peer, Rank decode) {
        return peer.write(blocks(source, peer, decode), TransferOptions.DEFAULT);
    }

    private static BlockTransfer blocks(Rank source, Peer peer, Rank decode) {
        return BlockTransfer.of(
                REQUEST,
                source.cache,
                source.table,
                peer.cache(Pair.CACHE).orElseThrow(),
                decode.table,
                TOKENS);
    }

    @Test
    void aRequestIsNotWholeWhileOneRankIsMissing() {
        var model = KvLayout.builder().layers(2).kvHeads(4).headDim(8);
        var first = rank("prefill-0", model.tensorParallel(0, 2).build());
        var second = rank("prefill-1", model.tensorParallel(1, 2).build());
        var decode = rank("decode", model.tensorParallel(0, 1).build());
        var toDecode = rig.connect(first.node, decode.node);
        try (KvReception reception =
                decode.node.expect(REQUEST, decode.cache, decode.table, 0, TOKENS)) {
            Waits.done(write(first, toDecode, decode));
            assertFalse(reception.completion().isDone(), "half of the heads are missing");
            assertFalse(reception.layer(0).isDone(), "half of the heads are missing");

            Waits.done(write(second, rig.connect(second.node, decode.node), decode));
            Waits.get("the whole request", reception.completion());
        }
    }

    @Test
    void aRankThatIsLostFailsTheRequestAtTheReceiver() {
        var model = KvLayout.builder().layers(2).kvHeads(4).headDim(8);
        var first = rank("prefill-0", model.tensorParallel(0, 2).build());
        var second = rank("prefill-1", model.tensorParallel(1, 2).build());
        var decode = rank("decode", model.tensorParallel(0, 1).build());
        var fromFirst = rig.connect(first.node, decode.node);
        var fromSecond = rig.connect(second.node, decode.node);
        try (var reception = decode.node.expect(REQUEST, decode.cache, decode.table, 0, TOKENS)) {
            Waits.done(write(first, fromFirst, decode));
            try (var stream =
                    fromSecond.stream(
                            blocks(second, fromSecond, decode), TransferOptions.DEFAULT)) {
                stream.ready(0, 0, TOKENS);
                Waits.get("layer 0", reception.layer(0));
                rig.at(second.node).kill();
                assertEquals(ErrorCode.PEER_LOST, Waits.failed(stream.transfer()).code());
            }
            assertEquals(
                    ErrorCode.PEER_LOST,
                    Waits.failure("the reception", reception.completion()).code());
        }
    }
}
