package io.kvwire.harness.samples;

import io.kvwire.pcie.SharedArena;
import io.kvwire.transport.Access;
import io.kvwire.transport.BlockTable;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvView;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferNode;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.List;

/**
 * The program of docs/shared-memory.md: one process reads blocks of another where they lie; here
 * both nodes are in one.
 */
final class ViewSample {
    private static final Duration DEADLINE = Duration.ofSeconds(10);
    private static final int BLOCKS = 64;

    private ViewSample() {}

    /** Runs the program; gives the sum of what was read. */
    static long run() {
        var layout = KvLayout.builder().layers(1).kvHeads(2).headDim(64).build();
        try (var memory = SharedArena.open();
                var prefill = TransferNode.start(config("prefill"));
                var decode = TransferNode.start(config("decode"))) {
            var segment = memory.allocate(BLOCKS * layout.blockBytes(), 4096);
            segment.fill((byte) 1);
            var placement = List.of(LayerPlacement.dense(layout, segment, BLOCKS));
            var cache = prefill.register("kv", layout, placement, BLOCKS, Access.REMOTE_READ);

            // Prefill keeps the blocks of a request for whoever reads them.
            BlockTable blocks = cache.allocate(4).orElseThrow();
            var lease = cache.lease(42, blocks, Duration.ofSeconds(5).toNanos());

            // Decode has been told the table and the lease, and looks at the blocks over there.
            var peer = decode.connect(prefill.address()).join();
            var remote = peer.cache("kv").orElseThrow();
            try (KvView view = peer.view(remote, blocks, lease.id(), DEADLINE).join()) {
                long sum = 0;
                for (int position = 0; position < blocks.size(); position++) {
                    sum += sum(view.key(0, position)) + sum(view.value(0, position));
                }
                if (!view.valid()) {
                    throw new IllegalStateException("prefill has taken its blocks back");
                }
                return sum;
            } finally {
                lease.close();
                cache.retire(blocks).join();
            }
        }
    }

    private static NodeConfig config(String name) {
        return NodeConfig.named(name).requiring("pcie");
    }

    private static long sum(MemorySegment memory) {
        long sum = 0;
        for (long at = 0; at < memory.byteSize(); at++) {
            sum += memory.get(ValueLayout.JAVA_BYTE, at);
        }
        return sum;
    }
}
