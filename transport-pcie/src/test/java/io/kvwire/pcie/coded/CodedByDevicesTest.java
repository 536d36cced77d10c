package io.kvwire.pcie.coded;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kvwire.ffi.opencl.Context;
import io.kvwire.ffi.opencl.OpenClLibrary;
import io.kvwire.pcie.PcieDataPathProvider;
import io.kvwire.pcie.opencl.OpenClMemory;
import io.kvwire.tcp.TcpControlChannelProvider;
import io.kvwire.tcp.TcpDataPathProvider;
import io.kvwire.transport.Access;
import io.kvwire.transport.BlockRuns;
import io.kvwire.transport.BlockTable;
import io.kvwire.transport.BlockTransfer;
import io.kvwire.transport.CodecConfig;
import io.kvwire.transport.DType;
import io.kvwire.transport.KvCache;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvOrder;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.LayoutPlan;
import io.kvwire.transport.Limits;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.Peer;
import io.kvwire.transport.RemoteCache;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.TransferNode;
import io.kvwire.transport.TransferOptions;
import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.KvCodecProvider;
import io.kvwire.transport.spi.KvModel;
import io.kvwire.transport.spi.RunCursor;
import io.kvwire.transport.spi.SingleRun;
import io.kvwire.transport.spi.Slab;
import io.kvwire.transport.spi.Wires;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * Transfers in the codec int8 between a device and the host: values as the codec of the host would
 * have left them, and only codes between the device and the host.
 */
class CodedByDevicesTest {
    private static final int LAYERS = 2;
    private static final int FIRST = 37;
    private static final int TOKENS = 600;
    private static final int SOURCE_BLOCKS = 45;
    private static final int TARGET_BLOCKS = 12;
    private static final Duration LONG = Duration.ofSeconds(60);

    private final Arena arena = Arena.ofShared();
    private Context context;
    private DeviceMemory memory;
    @TempDir private Path sockets;

    @BeforeEach
    void open() {
        memory = device();
    }

    /** Opens the device under test. */
    DeviceMemory device() {
        assumeTrue(OpenClLibrary.isPresent(), OpenClLibrary::reason);
        var devices = OpenClLibrary.devices();
        assumeTrue(!devices.isEmpty(), "no OpenCL device: install pocl-opencl-icd");
        context = Context.of(devices.getFirst());
        return new OpenClMemory("xpu:0", context);
    }

    /** Whether its codes equal those of the host in every bit. */
    boolean exact() {
        return context.device().dividesExactly();
    }

    @AfterEach
    void close() {
        if (memory != null) {
            memory.close();
        }
        if (context != null) {
            context.close();
        }
        arena.close();
    }

    private static KvLayout.Builder shape(DType dtype, KvForm form) {
        return KvLayout.builder()
                .layers(LAYERS)
                .kvHeads(form == KvForm.LATENT ? 1 : 3)
                .headDim(64)
                .dtype(dtype)
                .form(form);
    }

    /** A cache of one of the nodes. */
    private record Side(
            TransferNode node, KvLayout layout, KvCache cache, Optional<DeviceMemory> device) {
        BlockTable table() {
            return cache.table(blocks(cache.blocks()));
        }

        /** The runs of the tokens that are sent, in the order of the target. */
        RunCursor runs(int layer, LayoutPlan plan) {
            var runs = new BlockRuns();
            var origin = BlockRuns.Origin.of(cache.placement().get(layer), cache.blocks());
            runs.start(plan, layout, blocks(cache.blocks()), origin, new TokenRange(FIRST, TOKENS));
            return runs;
        }

        void put(int layer, LayoutPlan plan, byte... values) {
            try (var own = Arena.ofShared()) {
                var host = own.allocateFrom(ValueLayout.JAVA_BYTE, values);
                if (device.isPresent()) {
                    device.get().scatter(host, runs(layer, plan));
                } else {
                    copy(host, runs(layer, plan), true);
                }
            }
        }

        byte[] get(int layer, LayoutPlan plan) {
            try (var own = Arena.ofShared()) {
                var host = own.allocate(plan.tokenBytes() * TOKENS);
                if (device.isPresent()) {
                    device.get().gather(runs(layer, plan), host);
                } else {
                    copy(host, runs(layer, plan), false);
                }
                return host.toArray(ValueLayout.JAVA_BYTE);
            }
        }

        private static void copy(MemorySegment host, RunCursor runs, boolean toRuns) {
            long at = 0;
            while (runs.next()) {
                var run = runs.segment().asSlice(runs.offset(), runs.length());
                var part = host.asSlice(at, runs.length());
                MemorySegment.copy(toRuns ? part : run, 0, toRuns ? run : part, 0, runs.length());
                at += runs.length();
            }
        }
    }

    /** Blocks in an order that no copy could follow in one piece. */
    private static int[] blocks(int count) {
        return IntStream.range(0, count).map(i -> (i * 7 + 3) % count).toArray();
    }

    private Side side(
            String name, NodeConfig config, boolean onDevice, KvLayout layout, int blocks) {
        var node =
                TransferNode.start(
                        config,
                        new Wires(
                                List.of(new PcieDataPathProvider(), new TcpDataPathProvider()),
                                List.of(new TcpControlChannelProvider())));
        var device = onDevice ? Optional.of(memory) : Optional.<DeviceMemory>empty();
        var placement =
                IntStream.range(0, LAYERS)
                        .mapToObj(layer -> allocate(device, layout.blockBytes() * blocks))
                        .map(layer -> LayerPlacement.dense(layout, layer, blocks))
                        .toList();
        var cache =
                onDevice
                        ? node.register(
                                name, layout, placement, blocks, Access.REMOTE_READ_WRITE, memory)
                        : node.register(name, layout, placement, blocks, Access.REMOTE_READ_WRITE);
        return new Side(node, layout, cache, device);
    }

    private MemorySegment allocate(Optional<DeviceMemory> device, long bytes) {
        return device.isPresent() ? device.get().allocate(bytes, 4096) : arena.allocate(bytes, 64);
    }

    private NodeConfig config(String wire, String codec) {
        return NodeConfig.named("node")
                .requiring(wire)
                .withWireOptions(Map.of("pcie.directory", sockets.toString()))
                .withLimits(Limits.DEFAULT.withFramePayload(64 << 10))
                .withCodec(CodecConfig.of(codec));
    }

    @ParameterizedTest(name = "{0} to {1} over {2}, {3} {4} {5}")
    @CsvSource({
        "true, false, tcp, BF16, SPLIT, write",
        "false, true, tcp, BF16, SPLIT, write",
        "true, true, tcp, BF16, SPLIT, write",
        "true, true, tcp, BF16, SPLIT, read",
        "true, true, tcp, FP16, FUSED, write",
        "true, true, tcp, FP32, LATENT, read",
        "true, false, pcie, BF16, FUSED, write",
        "false, true, pcie, BF16, SPLIT, read"
    })
    void onlyCodesCrossAndValuesAreThoseOfTheHostsCodec(
            boolean from, boolean to, String wire, DType dtype, KvForm form, String operation) {
        var config = config(wire, "int8");
        var sourceLayout = shape(dtype, form).tokensPerBlock(16).order(KvOrder.NHD).build();
        var targetLayout = shape(dtype, form).tokensPerBlock(64).order(KvOrder.HND).build();
        var plan = LayoutPlan.between(sourceLayout, targetLayout);
        var source = side("source", config, from, sourceLayout, SOURCE_BLOCKS);
        var target = side("target", config, to, targetLayout, TARGET_BLOCKS);
        try (var near = source.node();
                var far = target.node()) {
            byte[][] values = new byte[LAYERS][];
            for (int layer = 0; layer < LAYERS; layer++) {
                values[layer] = values(plan, layer);
                source.put(layer, plan, values[layer]);
            }

            move(source, target, operation);

            for (int layer = 0; layer < LAYERS; layer++) {
                byte[] expected = throughTheHostsCodec(targetLayout, layer, values[layer]);
                assertSame(dtype, expected, target.get(layer, plan));
            }
            assertCrossed(from, plan, near.metrics().bytesFromDevices());
            assertCrossed(to, plan, far.metrics().bytesToDevices());
            assertEquals(0, near.metrics().bytesToDevices());
            assertEquals(0, far.metrics().bytesFromDevices());
        }
    }

    private static void move(Side source, Side target, String operation) {
        if (operation.equals("write")) {
            var peer = connect(source, target);
            var transfer = peer.write(transfer(source, target, peer), TransferOptions.DEFAULT);
            transfer.join(LONG);
            assertSays(source, peer, "codes are made on the device");
        } else {
            var peer = connect(target, source);
            peer.read(transfer(target, source, peer), TransferOptions.DEFAULT).join(LONG);
            assertSays(target, peer, "codes are made on the device");
        }
    }

    private static void assertSays(Side side, Peer peer, String text) {
        var says = Optional.ofNullable(peer.path().details().get("codecDevices"));
        assertEquals(side.device().isPresent(), says.isPresent());
        says.ifPresent(who -> assertTrue(who.contains(text), who));
    }

    private static Peer connect(Side from, Side to) {
        return from.node().connect(to.node().address()).join();
    }

    private static BlockTransfer transfer(Side local, Side remote, Peer peer) {
        var there = announced(remote, peer);
        return new BlockTransfer(
                9, local.cache(), local.table(), there, remote.table(), FIRST, TOKENS, 0);
    }

    private static RemoteCache announced(Side remote, Peer peer) {
        return Awaitility.await()
                .until(() -> peer.cache(remote.cache().name()), Optional::isPresent)
                .orElseThrow();
    }

    /** With FP32 a quarter crosses, else half; and the scales, of 64 elements each. */
    private static void assertCrossed(boolean device, LayoutPlan plan, long bytes) {
        long raw = plan.bytes(TOKENS);
        long values = raw / plan.target().dtype().bytes();
        if (device) {
            assertTrue(bytes >= values && bytes < values * 1.1, bytes + " for " + values);
        } else {
            assertEquals(0, bytes);
        }
    }

    /** Gaussian values; in the first layer one row has a NaN, and one an infinity. */
    private static byte[] values(LayoutPlan plan, int layer) {
        var dtype = plan.target().dtype();
        var random = new Random(layer);
        int count = (int) (plan.tokenBytes() * TOKENS / dtype.bytes());
        var bytes = ByteBuffer.allocate(count * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < count; i++) {
            float value = (float) random.nextGaussian();
            if (layer == 0 && (i == 70 || i == 5_000)) {
                value = i == 70 ? Float.NaN : Float.NEGATIVE_INFINITY;
            }
            switch (dtype) {
                case FP32 -> bytes.putFloat(value);
                case FP16 -> bytes.putShort(Float.floatToFloat16(value));
                default -> bytes.putShort((short) (Float.floatToRawIntBits(value) >>> 16));
            }
        }
        return bytes.array();
    }

    /** What encoding and decoding on the host leaves of values in the target's order. */
    private static byte[] throughTheHostsCodec(KvLayout layout, int layer, byte... values) {
        var codec = KvCodecProvider.create("int8", KvModel.UNKNOWN);
        var slab =
                new Slab(
                        new Slab.Id(1, 1, 1, 0, 1),
                        layout,
                        layer,
                        new TokenRange(FIRST, TOKENS),
                        0,
                        layout.heads());
        var frame = MemorySegment.ofArray(new byte[(int) codec.maxFrameBytes(slab)]);
        long bytes = codec.encode(slab, SingleRun.of(MemorySegment.ofArray(values)), frame);
        byte[] decoded = new byte[values.length];
        codec.decode(frame.asSlice(0, bytes), slab, SingleRun.of(MemorySegment.ofArray(decoded)));
        return decoded;
    }

    private void assertSame(DType dtype, byte[] expected, byte[] actual) {
        if (exact()) {
            assertArrayEquals(expected, actual);
            return;
        }
        // A code may be the next one where division rounds otherwise: 4 / 127 of a gaussian row.
        var one = ByteBuffer.wrap(expected).order(ByteOrder.LITTLE_ENDIAN);
        var other = ByteBuffer.wrap(actual).order(ByteOrder.LITTLE_ENDIAN);
        while (one.hasRemaining()) {
            float wanted = value(dtype, one);
            float found = value(dtype, other);
            assertTrue(
                    Float.compare(wanted, found) == 0 || Math.abs(wanted - found) < 0.06,
                    wanted + " became " + found);
        }
    }

    private static float value(DType dtype, ByteBuffer bytes) {
        return switch (dtype) {
            case FP32 -> bytes.getFloat();
            case FP16 -> Float.float16ToFloat(bytes.getShort());
            default -> Float.intBitsToFloat(bytes.getShort() << 16);
        };
    }

    @ParameterizedTest
    @CsvSource({"'int8,keys=hadamard', HADAMARD", "'int8,scales=fp16', fp16", "int8+lz4, LZ4"})
    void whatADeviceDoesNotMakeTheHostMakesAndThePathSaysWhy(String codec, String why) {
        var config = config("tcp", codec);
        var layout = shape(DType.BF16, KvForm.SPLIT).tokensPerBlock(16).build();
        var plan = LayoutPlan.between(layout, layout);
        var source = side("source", config, true, layout, SOURCE_BLOCKS);
        var target = side("target", config, true, layout, SOURCE_BLOCKS);
        try (var near = source.node();
                var far = target.node()) {
            for (int layer = 0; layer < LAYERS; layer++) {
                source.put(layer, plan, values(plan, 1 + layer));
            }
            var peer = connect(source, target);
            peer.write(transfer(source, target, peer), TransferOptions.DEFAULT).join(LONG);

            assertEquals(plan.bytes(TOKENS), near.metrics().bytesFromDevices());
            // LZ4 leaves codes as they are where it saves little, and those a device takes.
            long taken = codec.endsWith("lz4") ? plan.bytes(TOKENS) / 2 : plan.bytes(TOKENS);
            assertTrue(far.metrics().bytesToDevices() >= taken);
            assertSays(source, peer, why);
            assertWithinTheBound(values(plan, 1), target.get(0, plan));
        }
    }

    private static void assertWithinTheBound(byte[] sent, byte[] arrived) {
        var one = ByteBuffer.wrap(sent).order(ByteOrder.LITTLE_ENDIAN);
        var other = ByteBuffer.wrap(arrived).order(ByteOrder.LITTLE_ENDIAN);
        while (one.hasRemaining()) {
            float wanted = value(DType.BF16, one);
            float found = value(DType.BF16, other);
            assertTrue(Math.abs(wanted - found) < 0.1, wanted + " became " + found);
        }
    }

    /** Rows without a scale, all of them: the form is longer than the frame's room. */
    @Test
    void valuesThatHaveNoCodesArriveAsTheyAre() {
        var config = config("tcp", "int8");
        var layout = shape(DType.BF16, KvForm.SPLIT).tokensPerBlock(16).build();
        var plan = LayoutPlan.between(layout, layout);
        var source = side("source", config, true, layout, SOURCE_BLOCKS);
        var target = side("target", config, true, layout, SOURCE_BLOCKS);
        byte[] values = new byte[(int) (plan.tokenBytes() * TOKENS)];
        new Random(8).nextBytes(values);
        for (int i = 1; i < values.length; i += 128) {
            // The high byte of the first element of each row: an infinity, or a NaN.
            values[i] = 0x7F;
            values[i - 1] |= (byte) 0x80;
        }
        try (var near = source.node();
                var far = target.node()) {
            for (int layer = 0; layer < LAYERS; layer++) {
                source.put(layer, plan, values);
            }
            var peer = connect(source, target);
            peer.write(transfer(source, target, peer), TransferOptions.DEFAULT).join(LONG);

            for (int layer = 0; layer < LAYERS; layer++) {
                assertArrayEquals(values, target.get(layer, plan));
            }
            assertTrue(near.metrics().bytesFromDevices() >= plan.bytes(TOKENS));
            assertTrue(far.metrics().bytesToDevices() >= plan.bytes(TOKENS));
        }
    }
}
