package io.kvwire.rdma;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.Access;
import io.kvwire.transport.BlockTransfer;
import io.kvwire.transport.DType;
import io.kvwire.transport.KvCache;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.Peer;
import io.kvwire.transport.TransferNode;
import io.kvwire.transport.TransferOptions;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/**
 * Caches in memory of GPUs go over RDMA without the host where the NIC takes their memory, and
 * through staging where it does not. The GPU is simulated: a host that touches its memory fails.
 */
class GpuMemoryTest {
    private static final Duration WAIT = Duration.ofSeconds(30);
    private static final int BLOCKS = 8;

    /** A part of a block takes 8 KiB. */
    private static final KvLayout LAYOUT =
            KvLayout.builder()
                    .layers(2)
                    .kvHeads(4)
                    .headDim(64)
                    .tokensPerBlock(16)
                    .dtype(DType.FP16)
                    .build();

    /** A part of a block takes 64 bytes, so that a request is sent with its announcement. */
    private static final KvLayout TINY =
            KvLayout.builder()
                    .layers(1)
                    .kvHeads(1)
                    .headDim(4)
                    .tokensPerBlock(8)
                    .dtype(DType.FP16)
                    .build();

    private final ArrayDeque<Runnable> closing = new ArrayDeque<>();
    private final SimFabric fabric = new SimFabric(5, SimFabric.Weather.ROUGH);
    private SimWire wire;

    @AfterEach
    void close() {
        closing.forEach(Runnable::run);
        assertEquals(0, fabric.gpuRegistrations());
        assertEquals(0, SimGpu.openDmaBufs());
    }

    private <T extends AutoCloseable> T closed(T made) {
        closing.push(() -> {
            try {
                made.close();
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        });
        return made;
    }

    private void wire(Map<String, String> options) {
        wire = closed(new SimWire(fabric, 1, options));
    }

    private SimGpu gpu(SimGpu.Offer offer) {
        return closed(new SimGpu(offer));
    }

    private TransferNode node(String name) {
        return closed(TransferNode.start(wire.configure(NodeConfig.named(name)), wire.wires()));
    }

    /** A cache, and its memory as the test may touch it. */
    private record Blocks(KvCache cache, List<MemorySegment> layers) {
        static Blocks on(TransferNode node, KvLayout layout, SimGpu gpu) {
            var layers =
                    IntStream.range(0, layout.layers())
                            .mapToObj(i -> gpu.allocate(BLOCKS * layout.blockBytes(), 64))
                            .toList();
            var cache =
                    node.register(
                            "kv",
                            layout,
                            placed(layout, layers),
                            BLOCKS,
                            Access.REMOTE_READ_WRITE,
                            gpu);
            return new Blocks(cache, layers.stream().map(gpu::backing).toList());
        }

        static Blocks onHost(TransferNode node, KvLayout layout, Arena arena) {
            var layers =
                    IntStream.range(0, layout.layers())
                            .mapToObj(i -> arena.allocate(BLOCKS * layout.blockBytes(), 64))
                            .toList();
            var cache =
                    node.register(
                            "kv", layout, placed(layout, layers), BLOCKS, Access.REMOTE_READ_WRITE);
            return new Blocks(cache, layers);
        }

        private static List<LayerPlacement> placed(KvLayout layout, List<MemorySegment> layers) {
            return layers.stream()
                    .map(layer -> LayerPlacement.dense(layout, layer, BLOCKS))
                    .toList();
        }

        void fill(long seed) {
            var random = new Random(seed);
            for (var layer : layers) {
                var bytes = new byte[(int) layer.byteSize()];
                random.nextBytes(bytes);
                MemorySegment.copy(bytes, 0, layer, ValueLayout.JAVA_BYTE, 0, bytes.length);
            }
        }

        void assertEqual(Blocks other) {
            for (int i = 0; i < layers.size(); i++) {
                assertEquals(-1, layers.get(i).mismatch(other.layers.get(i)), "layer " + i);
            }
        }

        long bytes() {
            return layers.stream().mapToLong(MemorySegment::byteSize).sum();
        }
    }

    private static BlockTransfer all(Blocks near, Peer peer, Blocks far) {
        int[] ids = IntStream.range(0, BLOCKS).toArray();
        return BlockTransfer.of(
                1,
                near.cache,
                near.cache.table(ids),
                peer.cache("kv").orElseThrow(),
                far.cache.table(ids),
                BLOCKS * near.cache.layout().tokensPerBlock());
    }

    private static Peer connect(TransferNode from, TransferNode to) throws Exception {
        return from.connect(to.address()).get(WAIT.toSeconds(), TimeUnit.SECONDS);
    }

    /** Writes all blocks to the far end, and reads other ones back. */
    private static void thereAndBack(Blocks near, Peer peer, Blocks far, TransferOptions options) {
        near.fill(1);
        far.fill(2);
        peer.write(all(near, peer, far), options).join(WAIT);
        far.assertEqual(near);
        far.fill(3);
        peer.read(all(near, peer, far), options).join(WAIT);
        near.assertEqual(far);
    }

    @ParameterizedTest
    @EnumSource(
            value = SimGpu.Offer.class,
            names = {"DMA_BUF", "PEER_MEMORY"})
    void blocksGoFromGpuToGpuWithoutTheHost(SimGpu.Offer offer) throws Exception {
        wire(Map.of());
        var gpu = gpu(offer);
        var one = node("one");
        var two = node("two");
        var near = Blocks.on(one, LAYOUT, gpu);
        var far = Blocks.on(two, LAYOUT, gpu);
        var peer = connect(one, two);
        thereAndBack(near, peer, far, TransferOptions.DEFAULT);
        assertEquals(0, gpu.gathers.get() + gpu.scatters.get(), "copies");
        assertTrue(gpu.settles.get() > 0, "what a NIC wrote was never made visible");
        assertEquals(far.bytes(), two.metrics().bytesReceivedInPlace());
        var way = offer == SimGpu.Offer.DMA_BUF ? "dma-buf" : "peer memory";
        assertEquals(
                "on gpu:0, direct: " + way + " by sim0:1", peer.path().details().get("cache kv"));
        assertEquals(2 * LAYOUT.layers(), fabric.gpuRegistrations());
    }

    @Test
    void whatTheNicRefusesIsStagedAndTheReasonsAreReported() throws Exception {
        wire(Map.of());
        var gpu = gpu(SimGpu.Offer.NOTHING);
        var one = node("one");
        var two = node("two");
        var near = Blocks.on(one, LAYOUT, gpu);
        var far = Blocks.on(two, LAYOUT, gpu);
        var peer = connect(one, two);
        thereAndBack(near, peer, far, TransferOptions.DEFAULT);
        assertTrue(gpu.gathers.get() > 0 && gpu.scatters.get() > 0, "not staged");
        assertEquals(0, fabric.gpuRegistrations());
        assertEquals(
                "on gpu:0, staged: sim0:1: the NIC cannot reach memory of gpu:0: dma-buf: this"
                        + " driver has none; peer memory: ibv_reg_mr: Bad address (load"
                        + " sim-peermem)",
                peer.path().details().get("cache kv"));
    }

    @Test
    void onlyOneEndNeedsToBeReached() throws Exception {
        wire(Map.of());
        var open = gpu(SimGpu.Offer.DMA_BUF);
        var shut = gpu(SimGpu.Offer.NOTHING);
        var one = node("one");
        var two = node("two");
        var near = Blocks.on(one, LAYOUT, open);
        var far = Blocks.on(two, LAYOUT, shut);
        thereAndBack(near, connect(one, two), far, TransferOptions.DEFAULT);
        assertEquals(0, open.gathers.get() + open.scatters.get());
        assertTrue(shut.gathers.get() > 0 && shut.scatters.get() > 0);
    }

    @Test
    void checksumsAreOfWhatIsStaged() throws Exception {
        wire(Map.of());
        var gpu = gpu(SimGpu.Offer.DMA_BUF);
        var one = node("one");
        var two = node("two");
        var near = Blocks.on(one, LAYOUT, gpu);
        var far = Blocks.on(two, LAYOUT, gpu);
        thereAndBack(near, connect(one, two), far, TransferOptions.DEFAULT.withChecksum(true));
        assertTrue(gpu.gathers.get() > 0 && gpu.scatters.get() > 0);
    }

    /** As many pieces as are described to a peer are none here. */
    @Test
    void piecesThatAreTooShortAreCopiedByTheDevice() throws Exception {
        wire(Map.of("rdma.minRunBytes", "1048576", "rdma.messageBytes", "12288"));
        var gpu = gpu(SimGpu.Offer.DMA_BUF);
        var one = node("one");
        var two = node("two");
        var near = Blocks.on(one, LAYOUT, gpu);
        var far = Blocks.on(two, LAYOUT, gpu);
        var peer = connect(one, two);
        near.fill(1);
        int[] back = IntStream.range(0, BLOCKS).map(i -> BLOCKS - 1 - i).toArray();
        var transfer =
                BlockTransfer.of(
                        1,
                        near.cache,
                        near.cache.table(back),
                        peer.cache("kv").orElseThrow(),
                        far.cache.table(back),
                        BLOCKS * LAYOUT.tokensPerBlock());
        peer.write(transfer, TransferOptions.DEFAULT).join(WAIT);
        far.assertEqual(near);
        assertTrue(gpu.gathers.get() > 0 && gpu.scatters.get() > 0);
        assertEquals(0, two.metrics().bytesReceivedInPlace());
    }

    @Test
    void aPayloadThatCameWithItsAnnouncementIsBroughtByTheDevice() throws Exception {
        wire(Map.of());
        var gpu = gpu(SimGpu.Offer.DMA_BUF);
        var arena = closed(Arena.ofShared());
        var one = node("one");
        var two = node("two");
        var near = Blocks.onHost(one, TINY, arena);
        var far = Blocks.on(two, TINY, gpu);
        thereAndBack(near, connect(one, two), far, TransferOptions.DEFAULT);
        assertEquals(1, gpu.scatters.get(), "the write of a few bytes");
        assertEquals(0, gpu.gathers.get(), "the read was written by the NIC");
    }

    @Test
    void memoryIsTakenBackWithItsCache() throws Exception {
        wire(Map.of());
        var gpu = gpu(SimGpu.Offer.DMA_BUF);
        var one = node("one");
        var two = node("two");
        var near = Blocks.on(one, LAYOUT, gpu);
        var far = Blocks.on(two, LAYOUT, gpu);
        thereAndBack(near, connect(one, two), far, TransferOptions.DEFAULT);
        deregister(far, LAYOUT.layers());
        deregister(far, LAYOUT.layers());
        deregister(near, 0);
    }

    /** Windows on the memory, if there are any, are gone soon after. */
    private void deregister(Blocks blocks, int left) throws Exception {
        blocks.cache.deregister().get(WAIT.toSeconds(), TimeUnit.SECONDS);
        await().atMost(WAIT).until(() -> fabric.gpuRegistrations() == left);
    }
}
