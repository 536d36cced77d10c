package io.kvwire.bench;

import io.kvwire.pcie.SharedArena;
import io.kvwire.tck.memory.MemoryFabric;
import io.kvwire.transport.Access;
import io.kvwire.transport.BlockTransfer;
import io.kvwire.transport.DType;
import io.kvwire.transport.KvCache;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvView;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.Lease;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.Peer;
import io.kvwire.transport.Transfer;
import io.kvwire.transport.TransferNode;
import io.kvwire.transport.TransferOptions;
import io.kvwire.transport.spi.Wires;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Two nodes of this process, connected over TCP on loopback, through shared memory or over the
 * in-memory wire, and one list of blocks that can be written from one to the other again and again.
 * The blocks lie in opposite order at the two ends, so that no two of them are neighbours at both.
 * Confined to one thread.
 */
final class LoopbackPair implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int TOKEN_BYTES = 4096;
    private static final byte PATTERN = 0x5A;

    private final Arena arena;
    private final Optional<MemoryFabric> fabric;
    private final TransferNode source;
    private final TransferNode target;
    private final Peer peer;
    private final BlockTransfer blocks;
    private final KvCache owned;
    private final MemorySegment sent;
    private final MemorySegment received;
    private final TransferOptions options = TransferOptions.DEFAULT.withDeadline(PATIENCE);

    /**
     * Connects two nodes.
     *
     * @param wire {@code tcp}, {@code pcie} or {@code memory}
     * @param count blocks in the list
     * @param blockBytes of one block, a multiple of 4 KiB
     */
    LoopbackPair(String wire, int count, int blockBytes) {
        fabric =
                switch (wire) {
                    case "memory" -> Optional.of(MemoryFabric.create());
                    case "tcp", "pcie" -> Optional.empty();
                    default -> throw new IllegalArgumentException("no wire '" + wire + "'");
                };
        arena = wire.equals("pcie") ? SharedArena.open() : Arena.ofShared();
        source = node("source", wire);
        target = node("target", wire);
        var layout =
                KvLayout.builder()
                        .layers(1)
                        .kvHeads(1)
                        .headDim(TOKEN_BYTES / DType.FP32.bytes())
                        .tokensPerBlock(blockBytes / TOKEN_BYTES)
                        .dtype(DType.FP32)
                        .form(KvForm.LATENT)
                        .build();
        long bytes = (long) count * blockBytes;
        sent = arena.allocate(bytes, TOKEN_BYTES).fill(PATTERN);
        received = arena.allocate(bytes, TOKEN_BYTES);
        var from = register(source, layout, sent, count, Access.LOCAL);
        owned = register(target, layout, received, count, Access.REMOTE_READ_WRITE);
        peer = source.connect(target.address()).join();
        int[] ascending = new int[count];
        int[] descending = new int[count];
        for (int i = 0; i < count; i++) {
            ascending[i] = i;
            descending[count - 1 - i] = i;
        }
        blocks =
                BlockTransfer.of(
                        1,
                        from,
                        from.table(ascending),
                        peer.cache("kv").orElseThrow(),
                        owned.table(descending),
                        count * layout.tokensPerBlock());
    }

    private TransferNode node(String name, String wire) {
        var config = NodeConfig.named(name).withPaths(wire);
        return TransferNode.start(
                fabric.map(f -> f.joined(config)).orElse(config),
                fabric.map(MemoryFabric::wires).orElseGet(Wires::discovered));
    }

    private static KvCache register(
            TransferNode node, KvLayout layout, MemorySegment memory, int count, Access access) {
        var placement = List.of(LayerPlacement.dense(layout, memory, count));
        return node.register("kv", layout, placement, count, access);
    }

    /** Writes the list and waits until it has arrived. */
    void write() {
        await(post());
    }

    /** Begins to write the list. */
    Transfer post() {
        return peer.write(blocks, options);
    }

    /** {@return the target's promise to keep the blocks of the list} */
    Lease lease() {
        return owned.lease(1, blocks.remoteBlocks(), PATIENCE.toNanos());
    }

    /** Reads the list back into the source's memory. */
    void read(Lease lease) {
        await(peer.read(blocks.underLease(lease.id()), options));
    }

    /** Opens the list to be read in the target's memory. */
    KvView view(Lease lease) {
        return peer.view(blocks.remote(), blocks.remoteBlocks(), lease.id(), PATIENCE).join();
    }

    /** {@return the blocks of the source, as {@link #read} leaves them, one after another} */
    MemorySegment sent() {
        return sent;
    }

    void await(Transfer transfer) {
        transfer.join(PATIENCE);
    }

    /** {@return whether every byte of the target is what the source sent} */
    boolean arrived() {
        for (long at = 0; at < received.byteSize(); at++) {
            if (received.get(ValueLayout.JAVA_BYTE, at) != PATTERN) {
                return false;
            }
        }
        return true;
    }

    /** Closes both ends, and fails when the target does not hold what the source sent. */
    void closeChecked() {
        boolean right = arrived();
        close();
        if (!right) {
            throw new IllegalStateException("the target holds wrong bytes");
        }
    }

    @Override
    public void close() {
        source.close();
        target.close();
        fabric.ifPresent(MemoryFabric::close);
        arena.close();
    }
}
