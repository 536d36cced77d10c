package io.kvwire.rdma.rig;

import io.kvwire.rdma.FaultyVerbs;
import io.kvwire.transport.Access;
import io.kvwire.transport.BlockTable;
import io.kvwire.transport.BlockTransfer;
import io.kvwire.transport.DType;
import io.kvwire.transport.KvCache;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.Lease;
import io.kvwire.transport.Limits;
import io.kvwire.transport.NodeAddress;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.NodeListener;
import io.kvwire.transport.Peer;
import io.kvwire.transport.Transfer;
import io.kvwire.transport.TransferNode;
import io.kvwire.transport.spi.Wires;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

/**
 * A node with one cache over RDMA on this host. All blocks of the cache, with guards around them,
 * are one piece of memory that can be filled from a seed and compared.
 */
final class NodeEnd implements AutoCloseable {
    static final int BLOCKS = 32;
    static final int TOKENS = BLOCKS * 16;
    static final KvLayout LAYOUT =
            KvLayout.builder()
                    .layers(4)
                    .kvHeads(8)
                    .headDim(64)
                    .tokensPerBlock(16)
                    .dtype(DType.BF16)
                    .form(KvForm.FUSED)
                    .build();

    /** What one layer takes up. */
    private static final long LAYER_BYTES = BLOCKS * LAYOUT.blockBytes();

    private static final Duration HANDSHAKE = Duration.ofSeconds(60);
    private static final int GUARD_BYTES = 4096;
    private static final long GUARD_SEED = 99;
    private static final String CACHE = "kv";

    /** Each transfer, and how often its end was told. */
    final Map<Transfer, Integer> ends = new ConcurrentHashMap<>();

    final FaultyVerbs verbs = FaultyVerbs.panama();
    final TransferNode node;
    final KvCache cache;
    private final Arena arena = Arena.ofShared();
    private final List<MemorySegment> layers = new ArrayList<>();
    private final List<MemorySegment> guards = new ArrayList<>();

    NodeEnd(String name, UnaryOperator<NodeConfig> setting) {
        for (int i = 0; i < LAYOUT.layers(); i++) {
            guards.add(arena.allocate(GUARD_BYTES, 4096));
            layers.add(arena.allocate(LAYER_BYTES, 4096));
        }
        guards.add(arena.allocate(GUARD_BYTES, 4096));
        fill(guards, GUARD_SEED);
        var config =
                NodeConfig.named(name)
                        .connectOnly()
                        .requiring("rdma")
                        .withLimits(limits(Duration.ofMinutes(1)))
                        .withListener(new Counting());
        node =
                TransferNode.start(
                        setting.apply(config),
                        new Wires(List.of(verbs.path()), Wires.discovered().channels()));
        cache = register();
    }

    /**
     * Frames of 256 KiB, a handshake that an emulated processor gets done with, and that long for a
     * peer to say something.
     */
    static Limits limits(Duration silence) {
        var limits = Limits.DEFAULT;
        return new Limits(
                limits.maxPeers(),
                limits.maxRegions(),
                limits.maxControlBytes(),
                256 << 10,
                limits.maxNotificationBytes(),
                limits.maxTransfersPerPeer(),
                limits.maxQueuedTransfers(),
                limits.windowBytes(),
                HANDSHAKE,
                Duration.ofMillis(200),
                silence);
    }

    static UnaryOperator<NodeConfig> listening(int port) {
        return config -> config.withListen(new NodeAddress("0.0.0.0", port));
    }

    private final class Counting implements NodeListener {
        @Override
        public void transferEnded(Peer peer, Transfer transfer) {
            ends.merge(transfer, 1, Integer::sum);
        }
    }

    private KvCache register() {
        var placement =
                layers.stream().map(layer -> LayerPlacement.dense(LAYOUT, layer, BLOCKS)).toList();
        return node.register(CACHE, LAYOUT, placement, BLOCKS, Access.REMOTE_READ_WRITE);
    }

    /** {@return the blocks from one on} */
    BlockTable table(int first) {
        return cache.table(IntStream.range(first, BLOCKS).toArray());
    }

    Lease lease(Duration time) {
        return cache.lease(1, table(0), time.toNanos());
    }

    /** {@return a transfer between the same blocks at both ends, from one on} */
    BlockTransfer between(Peer peer, BlockTable theirs) {
        int first = BLOCKS - theirs.size();
        return BlockTransfer.of(
                1,
                cache,
                table(first),
                peer.cache(CACHE).orElseThrow(),
                theirs,
                theirs.size() * 16);
    }

    void fill(long seed) {
        fill(layers, seed);
    }

    private static void fill(List<MemorySegment> all, long seed) {
        var random = new Random(seed);
        for (var one : all) {
            MemorySegment.copy(
                    bytes(random, one), 0, one, ValueLayout.JAVA_BYTE, 0, (int) one.byteSize());
        }
    }

    private static byte[] bytes(Random random, MemorySegment like) {
        var bytes = new byte[(int) like.byteSize()];
        random.nextBytes(bytes);
        return bytes;
    }

    /** {@return where the memory first differs from what {@link #fill} makes; -1 for nowhere} */
    long differs(long seed) {
        long at = differs(layers, seed);
        if (differs(guards, GUARD_SEED) >= 0) {
            throw new AssertionError("memory around the cache was written to");
        }
        return at;
    }

    private static long differs(List<MemorySegment> all, long seed) {
        var random = new Random(seed);
        long before = 0;
        for (var one : all) {
            long at = one.mismatch(MemorySegment.ofArray(bytes(random, one)));
            if (at >= 0) {
                return before + at;
            }
            before += one.byteSize();
        }
        return -1;
    }

    @Override
    public void close() {
        node.close();
        arena.close();
    }
}
