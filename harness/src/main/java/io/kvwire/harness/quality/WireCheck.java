package io.kvwire.harness.quality;

import io.kvwire.harness.model.LayerListener;
import io.kvwire.harness.model.Llama;
import io.kvwire.harness.split.CacheMemory;
import io.kvwire.harness.split.CacheShape;
import io.kvwire.transport.Access;
import io.kvwire.transport.BlockTable;
import io.kvwire.transport.BlockTransfer;
import io.kvwire.transport.CodecConfig;
import io.kvwire.transport.KvCache;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.NodeListener;
import io.kvwire.transport.Peer;
import io.kvwire.transport.TransferNode;
import io.kvwire.transport.TransferOptions;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;

/**
 * Moves a cache over TCP on loopback, to see that what arrives is what {@link FrameCopy} gives:
 * nothing that is measured in one process differs on the wire.
 */
final class WireCheck {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final long REQUEST = 1;

    private final Llama llama;
    private final CacheShape shape;

    WireCheck(Llama llama, CacheShape shape) {
        this.llama = llama;
        this.shape = shape;
    }

    /** {@return whether every byte of the blocks of a prompt is the same by both ways} */
    boolean same(CodecChoice choice, int... prompt) {
        var config = llama.config();
        try (var source = CacheMemory.allocate(config, shape, prompt.length);
                var copied = CacheMemory.allocate(config, shape, prompt.length);
                var arrived = CacheMemory.allocate(config, shape, prompt.length)) {
            int[] blocks = IntStream.range(0, source.blocks()).toArray();
            llama.prefill(prompt, 0, blocks, source.paged(), LayerListener.NONE);
            new FrameCopy(choice).copy(source, copied, blocks, prompt.length);
            int[] order = transfer(choice, source, arrived, prompt.length);
            return equal(copied, arrived, order);
        }
    }

    /** Gives the target's blocks in order of tokens. */
    private static int[] transfer(
            CodecChoice choice, CacheMemory source, CacheMemory target, int tokens) {
        var tableArrived = new CompletableFuture<BlockTable>();
        var listener =
                new NodeListener() {
                    @Override
                    public void notified(Peer from, byte[] payload) {
                        tableArrived.complete(BlockTable.decode(payload));
                    }
                };
        var codec = CodecConfig.of(choice.text());
        try (var decode = TransferNode.start(config("decode", codec));
                var prefill = TransferNode.start(config("prefill", codec).withListener(listener))) {
            KvCache there = register(decode, target, Access.REMOTE_WRITE);
            KvCache here = register(prefill, source, Access.LOCAL);
            var targetTable = there.allocate(target.blocks()).orElseThrow();
            var reception = decode.expect(REQUEST, there, targetTable, 0, tokens);
            decode.connect(prefill.address()).join().notify(targetTable.encode());
            var remote = tableArrived.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
            Peer peer = prefill.peers().iterator().next();
            var sourceTable = here.allocate(source.blocks()).orElseThrow();
            requireInOrder(sourceTable);
            var transfer =
                    BlockTransfer.of(
                            REQUEST,
                            here,
                            sourceTable,
                            peer.cache("kv").orElseThrow(),
                            remote,
                            tokens);
            try (var stream = peer.stream(transfer, TransferOptions.DEFAULT)) {
                for (int layer = 0; layer < source.layout().layers(); layer++) {
                    stream.ready(layer, 0, tokens);
                }
                stream.transfer().join(PATIENCE);
            }
            reception.join(PATIENCE);
            return targetTable.ids();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        } catch (ExecutionException | TimeoutException e) {
            throw new IllegalStateException("the peer's block table did not arrive", e);
        }
    }

    private static NodeConfig config(String name, CodecConfig codec) {
        return NodeConfig.named(name).requiring("tcp").withCodec(codec);
    }

    private static void requireInOrder(BlockTable table) {
        int[] ids = table.ids();
        for (int i = 0; i < ids.length; i++) {
            if (ids[i] != i) {
                throw new IllegalStateException("a fresh cache gave block " + ids[i] + " for " + i);
            }
        }
    }

    private static KvCache register(TransferNode node, CacheMemory memory, Access access) {
        return node.register("kv", memory.layout(), memory.placement(), memory.blocks(), access);
    }

    private static boolean equal(CacheMemory copied, CacheMemory arrived, int... order) {
        long part = copied.layout().partBytes();
        for (int layer = 0; layer < copied.layout().layers(); layer++) {
            var a = copied.placement().get(layer);
            var b = arrived.placement().get(layer);
            for (int i = 0; i < order.length; i++) {
                long from = i * a.blockStride();
                long to = order[i] * b.blockStride();
                var keys = a.key().asSlice(a.keyOffset() + from, part);
                var values = a.value().asSlice(a.valueOffset() + from, part);
                if (keys.mismatch(b.key().asSlice(b.keyOffset() + to, part)) >= 0
                        || values.mismatch(b.value().asSlice(b.valueOffset() + to, part)) >= 0) {
                    return false;
                }
            }
        }
        return true;
    }
}
