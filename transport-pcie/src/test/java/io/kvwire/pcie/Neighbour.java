package io.kvwire.pcie;

import io.kvwire.ffi.cuda.Context;
import io.kvwire.ffi.cuda.CudaLibrary;
import io.kvwire.pcie.cuda.CudaMemory;
import io.kvwire.tcp.TcpControlChannelProvider;
import io.kvwire.transport.Access;
import io.kvwire.transport.BlockTable;
import io.kvwire.transport.BlockTransfer;
import io.kvwire.transport.DType;
import io.kvwire.transport.KvCache;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvView;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.Lease;
import io.kvwire.transport.NodeAddress;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.Peer;
import io.kvwire.transport.Transfer;
import io.kvwire.transport.TransferNode;
import io.kvwire.transport.TransferOptions;
import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.Wires;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/** A node with one cache, in a process of its own or in the one of the test. */
final class Neighbour implements AutoCloseable {
    static final KvLayout LAYOUT =
            KvLayout.builder()
                    .layers(1)
                    .kvHeads(8)
                    .headDim(128)
                    .tokensPerBlock(16)
                    .dtype(DType.BF16)
                    .build();
    static final int BLOCKS = 256;
    static final int TOKENS = BLOCKS * 16;

    private static final Duration PEER_TIMEOUT = Duration.ofSeconds(1);

    private final Arena arena;

    /** What the cache holds, or was last given from its device. */
    private final MemorySegment memory;

    private final TransferNode node;
    private final KvCache cache;
    private final Optional<CacheOnDevice> device;

    /** What an order has opened. */
    private Optional<KvView> viewed = Optional.empty();

    /** A cache in memory of a device. */
    private record CacheOnDevice(DeviceMemory device, MemorySegment memory) {
        Runs runs() {
            return new Runs().add(memory, 0, memory.byteSize());
        }
    }

    Neighbour(String name, Path directory, boolean shared) {
        this(name, directory, shared, "127.0.0.1");
    }

    private Neighbour(String name, Path directory, boolean shared, String host) {
        arena = shared ? SharedArena.open() : Arena.ofShared();
        memory = arena.allocate(BLOCKS * LAYOUT.blockBytes(), 4096);
        device = Optional.empty();
        node = node(name, Map.of("pcie.directory", directory.toString()), host);
        cache = node.register("kv", LAYOUT, placement(memory), BLOCKS, Access.REMOTE_READ_WRITE);
    }

    /**
     * Makes a node whose cache is in memory of a device.
     *
     * @param cacheMemory of the device; the caller's
     */
    Neighbour(
            String name,
            Map<String, String> options,
            DeviceMemory ofDevice,
            MemorySegment cacheMemory) {
        arena = Arena.ofShared();
        memory = arena.allocate(cacheBytes(), 4096);
        device = Optional.of(new CacheOnDevice(ofDevice, cacheMemory));
        node = node(name, options, "127.0.0.1");
        var placement = placement(cacheMemory);
        cache = node.register("kv", LAYOUT, placement, BLOCKS, Access.REMOTE_READ_WRITE, ofDevice);
    }

    static long cacheBytes() {
        return BLOCKS * LAYOUT.blockBytes();
    }

    private static List<LayerPlacement> placement(MemorySegment of) {
        return List.of(LayerPlacement.dense(LAYOUT, of, BLOCKS));
    }

    private static TransferNode node(String name, Map<String, String> options, String host) {
        var config =
                NodeConfig.named(name).withListen(NodeAddress.parse(host + ":0")).requiring("pcie");
        var limits = config.limits().withHeartbeats(Duration.ofMillis(100), PEER_TIMEOUT);
        return TransferNode.start(
                config.withLimits(limits).withWireOptions(options),
                new Wires(
                        List.of(new PcieDataPathProvider()),
                        List.of(new TcpControlChannelProvider())));
    }

    TransferNode node() {
        return node;
    }

    KvCache cache() {
        return cache;
    }

    Peer connect(String address) {
        return node.connect(NodeAddress.parse(address)).join();
    }

    /** {@return the table of all blocks, as text for another process} */
    String table() {
        return HexFormat.of().formatHex(all().encode());
    }

    void fill(long seed) {
        for (long i = 0; i < memory.byteSize() / Long.BYTES; i++) {
            memory.setAtIndex(ValueLayout.JAVA_LONG, i, word(seed, i));
        }
        device.ifPresent(on -> on.device.scatter(memory, on.runs()));
    }

    /** {@return whether all bytes are those of a seed} */
    boolean holds(long seed) {
        device.ifPresent(on -> on.device.gather(on.runs(), memory));
        return holds(memory, seed, 0);
    }

    private BlockTable all() {
        return cache.table(IntStream.range(0, BLOCKS).toArray());
    }

    private BlockTransfer everything(Peer peer, String remoteTable) {
        var theirs = BlockTable.decode(HexFormat.of().parseHex(remoteTable));
        var remote = peer.cache("kv").orElseThrow();
        return BlockTransfer.of(1, cache, all(), remote, theirs, TOKENS);
    }

    /** Writes all blocks to those of the peer. */
    Transfer write(Peer peer, String remoteTable) {
        return peer.write(everything(peer, remoteTable), TransferOptions.DEFAULT);
    }

    /** Reads all blocks from those of the peer. */
    Transfer read(Peer peer, String remoteTable) {
        return peer.read(everything(peer, remoteTable), TransferOptions.DEFAULT);
    }

    /** Promises to keep all blocks for others to read. */
    Lease lease(Duration timeToLive) {
        return cache.lease(1, all(), timeToLive.toNanos());
    }

    /** Opens all blocks of the peer, to be read where they are. */
    KvView view(Peer peer, String remoteTable, long leaseId) {
        var theirs = BlockTable.decode(HexFormat.of().parseHex(remoteTable));
        var remote = peer.cache("kv").orElseThrow();
        return peer.view(remote, theirs, leaseId, Duration.ofSeconds(20)).join();
    }

    /** {@return whether a view of another neighbour's blocks shows those of a seed} */
    static boolean shows(KvView view, long seed) {
        long words = LAYOUT.partBytes() / Long.BYTES;
        for (int block = 0; block < BLOCKS; block++) {
            long key = block * words;
            if (!holds(view.key(0, block), seed, key)
                    || !holds(view.value(0, block), seed, BLOCKS * words + key)) {
                return false;
            }
        }
        return true;
    }

    private static boolean holds(MemorySegment words, long seed, long first) {
        for (long i = 0; i < words.byteSize() / Long.BYTES; i++) {
            if (words.getAtIndex(ValueLayout.JAVA_LONG, i) != word(seed, first + i)) {
                return false;
            }
        }
        return true;
    }

    private static long word(long seed, long index) {
        return seed * 0x9E3779B97F4A7C15L + index;
    }

    @Override
    public void close() {
        node.close();
        arena.close();
    }

    /**
     * Obeys until its standard input ends: arguments are name, directory, kind of memory, and the
     * address that it listens at.
     */
    public static void main(String[] args) throws IOException {
        if (!args[2].equals("cuda")) {
            boolean shared = args[2].equals("shared");
            try (var self = new Neighbour(args[0], Path.of(args[1]), shared, args[3])) {
                self.obey();
            }
            return;
        }
        try (var context = Context.of(CudaLibrary.device(0));
                var memory = new CudaMemory("cuda:0", context)) {
            var segment = memory.allocate(cacheBytes(), 256);
            try (var self =
                    new Neighbour(args[0], Map.of("pcie.directory", args[1]), memory, segment)) {
                self.obey();
            }
        }
    }

    private void obey() throws IOException {
        System.out.println(node.address() + " " + table());
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (var line = in.readLine(); line != null; line = in.readLine()) {
            System.out.println(obey(List.of(line.split(" ", -1))));
        }
    }

    private String obey(List<String> words) {
        return switch (words.getFirst()) {
            case "fill" -> {
                fill(Long.parseLong(words.get(1)));
                yield "filled";
            }
            case "holds" -> String.valueOf(holds(Long.parseLong(words.get(1))));
            case "details" -> node.peers().iterator().next().path().details().toString();
            case "gathered" -> String.valueOf(node.metrics().bytesGathered());
            case "lease" -> String.valueOf(lease(Duration.ofMinutes(1)).id());
            case "view" -> {
                var peer = node.peers().iterator().next();
                viewed = Optional.of(view(peer, words.get(1), Long.parseLong(words.get(2))));
                yield "open";
            }
            case "shows" ->
                    String.valueOf(shows(viewed.orElseThrow(), Long.parseLong(words.get(1))));
            case "valid" -> String.valueOf(viewed.orElseThrow().valid());
            case "push" -> {
                var peer = connect(words.get(1));
                Thread.ofPlatform().daemon().start(() -> pushForEver(peer, words.get(2)));
                yield peer.path().path();
            }
            default -> throw new IllegalArgumentException("no such order: " + words);
        };
    }

    private void pushForEver(Peer peer, String remoteTable) {
        while (peer.connected()) {
            write(peer, remoteTable).completion().join();
        }
    }
}
