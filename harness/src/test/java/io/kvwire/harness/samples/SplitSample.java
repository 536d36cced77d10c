package io.kvwire.harness.samples;

import io.kvwire.transport.Access;
import io.kvwire.transport.BlockTable;
import io.kvwire.transport.BlockTransfer;
import io.kvwire.transport.DType;
import io.kvwire.transport.HostArena;
import io.kvwire.transport.KvCache;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvOrder;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.NodeListener;
import io.kvwire.transport.Peer;
import io.kvwire.transport.TransferNode;
import io.kvwire.transport.TransferOptions;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** The program of docs/api-guide.md: prefill and decode in one process, over TCP on loopback. */
final class SplitSample {
    private static final long REQUEST = 42;
    private static final int TOKENS = 100;

    private SplitSample() {}

    /** Runs the program; gives the bytes that arrived in place. */
    static long run() {
        try (Arena arena = HostArena.open()) {
            var layout =
                    KvLayout.builder()
                            .layers(4)
                            .kvHeads(2)
                            .headDim(64)
                            .tokensPerBlock(16)
                            .dtype(DType.BF16)
                            .order(KvOrder.NHD)
                            .build();
            var tableArrived = new CompletableFuture<BlockTable>();
            var listener =
                    new NodeListener() {
                        @Override
                        public void notified(Peer from, byte[] payload) {
                            tableArrived.complete(BlockTable.decode(payload));
                        }
                    };

            try (var decode = TransferNode.start(NodeConfig.named("decode"));
                    var prefill =
                            TransferNode.start(
                                    NodeConfig.named("prefill").withListener(listener))) {
                KvCache target = register(decode, layout, arena, Access.REMOTE_WRITE);
                KvCache source = register(prefill, layout, arena, Access.LOCAL);

                // Decode takes blocks, expects the request, and tells prefill where it may write.
                BlockTable there = target.allocate(layout.blocksFor(TOKENS)).orElseThrow();
                var reception = decode.expect(REQUEST, target, there, 0, TOKENS);
                Peer toPrefill = decode.connect(prefill.address()).join();
                toPrefill.notify(there.encode());

                // Prefill computes, and each layer leaves as soon as it is final.
                BlockTable remote = tableArrived.join();
                Peer toDecode = prefill.peers().iterator().next();
                BlockTable here = source.allocate(layout.blocksFor(TOKENS)).orElseThrow();
                var blocks =
                        BlockTransfer.of(
                                REQUEST,
                                source,
                                here,
                                toDecode.cache("kv").orElseThrow(),
                                remote,
                                TOKENS);
                try (var stream = toDecode.stream(blocks, TransferOptions.DEFAULT)) {
                    for (int layer = 0; layer < layout.layers(); layer++) {
                        compute(source, layer);
                        stream.ready(layer, 0, TOKENS);
                    }
                    stream.transfer().join(Duration.ofSeconds(30));
                }

                // Decode goes on when everything is in place; prefill's blocks are free again.
                reception.join(Duration.ofSeconds(30));
                source.retire(here).join();
                requireEqual(source, target);
                return decode.metrics().bytesReceivedInPlace();
            }
        }
    }

    private static KvCache register(
            TransferNode node, KvLayout layout, Arena arena, Access access) {
        int blocks = 64;
        var placement = new ArrayList<LayerPlacement>();
        for (int layer = 0; layer < layout.layers(); layer++) {
            var memory = arena.allocate(layout.blockBytes() * blocks, 64);
            placement.add(LayerPlacement.dense(layout, memory, blocks));
        }
        return node.register("kv", layout, List.copyOf(placement), blocks, access);
    }

    /** Stands for the model: the first blocks of a layer get values. */
    private static void compute(KvCache cache, int layer) {
        MemorySegment memory = cache.placement().get(layer).key();
        long bytes = cache.layout().tokenBytes() / 2 * TOKENS;
        for (long i = 0; i < bytes; i++) {
            memory.set(ValueLayout.JAVA_BYTE, i, (byte) (i * 7 + layer));
        }
    }

    private static void requireEqual(KvCache source, KvCache target) {
        long bytes = source.layout().tokenBytes() / 2 * TOKENS;
        for (int layer = 0; layer < source.layout().layers(); layer++) {
            var sent = source.placement().get(layer).key().asSlice(0, bytes);
            var arrived = target.placement().get(layer).key().asSlice(0, bytes);
            if (sent.mismatch(arrived) != -1) {
                throw new IllegalStateException("layer " + layer + " differs");
            }
        }
    }
}
