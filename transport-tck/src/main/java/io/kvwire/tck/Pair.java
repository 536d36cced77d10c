package io.kvwire.tck;

import io.kvwire.transport.Access;
import io.kvwire.transport.BlockTable;
import io.kvwire.transport.BlockTransfer;
import io.kvwire.transport.KvCache;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.Peer;
import io.kvwire.transport.RemoteCache;
import io.kvwire.transport.TransferNode;

import java.util.function.UnaryOperator;

/**
 * Two connected nodes with a cache each: {@code near} initiates, {@code far} responds. A WRITE goes
 * from near to far, a READ from far to near.
 */
final class Pair {
    static final String CACHE = "kv";

    final TransferNode near;
    final TransferNode far;
    final GuardedCache nearMemory;
    final GuardedCache farMemory;
    final KvCache nearCache;
    final KvCache farCache;
    final Peer peer;
    private long nextRequest = 1;

    /** What differs from pair to pair. */
    record Shape(
            KvLayout near,
            KvLayout far,
            int nearBlocks,
            int farBlocks,
            UnaryOperator<NodeConfig> nearSetting,
            UnaryOperator<NodeConfig> farSetting) {

        static Shape of(KvLayout layout, int blocks) {
            return of(layout, layout, blocks, blocks);
        }

        static Shape of(KvLayout near, KvLayout far, int nearBlocks, int farBlocks) {
            return new Shape(near, far, nearBlocks, farBlocks, c -> c, c -> c);
        }

        Shape with(UnaryOperator<NodeConfig> setting) {
            return new Shape(near, far, nearBlocks, farBlocks, setting, setting);
        }
    }

    Pair(Rig rig, Shape shape) {
        near = rig.node("near", shape.nearSetting);
        far = rig.node("far", shape.farSetting);
        nearMemory = rig.memory(shape.near, shape.nearBlocks);
        farMemory = rig.memory(shape.far, shape.farBlocks);
        nearCache = register(near, nearMemory);
        farCache = register(far, farMemory);
        peer = rig.connect(near, far);
    }

    private static KvCache register(TransferNode node, GuardedCache memory) {
        return register(node, memory, Access.REMOTE_READ_WRITE);
    }

    static KvCache register(TransferNode node, GuardedCache memory, Access access) {
        return memory.register(node, CACHE, access);
    }

    RemoteCache remote() {
        return peer.cache(CACHE).orElseThrow();
    }

    /** One request's blocks at both ends. */
    record Request(
            long id, BlockTable nearTable, BlockTable farTable, int firstToken, int tokens) {}

    /** A request of so many tokens in blocks that are allocated for it at both ends. */
    Request request(int tokens) {
        return request(0, tokens);
    }

    Request request(int firstToken, int tokens) {
        int end = firstToken + tokens;
        return new Request(
                nextRequest++,
                nearCache.allocate(nearCache.layout().blocksFor(end)).orElseThrow(),
                farCache.allocate(farCache.layout().blocksFor(end)).orElseThrow(),
                firstToken,
                tokens);
    }

    BlockTransfer transfer(Request request) {
        return transfer(request, remote());
    }

    BlockTransfer transfer(Request request, RemoteCache to) {
        return new BlockTransfer(
                request.id,
                nearCache,
                request.nearTable,
                to,
                request.farTable,
                request.firstToken,
                request.tokens,
                0);
    }

    /** What the far memory should be after a WRITE of the request onto an earlier image. */
    byte[] written(byte[] farImage, Request request) {
        farMemory.receiveAll(
                farImage,
                request.farTable.ids(),
                nearMemory,
                request.nearTable.ids(),
                request.firstToken,
                request.tokens);
        return farImage;
    }

    /** What the near memory should be after a READ of the request onto an earlier image. */
    byte[] read(byte[] nearImage, Request request) {
        nearMemory.receiveAll(
                nearImage,
                request.nearTable.ids(),
                farMemory,
                request.farTable.ids(),
                request.firstToken,
                request.tokens);
        return nearImage;
    }
}
