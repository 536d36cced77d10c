package io.kvwire.transport.core;

import static io.kvwire.transport.core.FrameHeader.require;

import io.kvwire.transport.BlockTransfer;
import io.kvwire.transport.LayoutPlan;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.TransferOptions;

import java.nio.ByteBuffer;

/** A READ of blocks. */
final class BlockRead extends ReadTransfer {
    private final BlockTransfer what;
    private final PagedCache cache;
    private final LayoutPlan plan;
    private final int firstBlock;
    private final int blockCount;

    /** The local blocks are pinned by the caller, from {@code firstBlock} on. */
    BlockRead(
            Session session,
            BlockTransfer what,
            TransferOptions options,
            LayoutPlan plan,
            int firstBlock,
            int blockCount) {
        super(session, options, blockCount, plan.bytes(what.tokens()));
        this.what = what;
        this.cache = (PagedCache) what.local();
        this.plan = plan;
        this.firstBlock = firstBlock;
        this.blockCount = blockCount;
    }

    @Override
    ByteBuffer request() {
        int block = what.remote().layout().tokensPerBlock();
        int first = what.firstToken() / block;
        int count = what.remote().layout().blocksFor(what.firstToken() + what.tokens()) - first;
        int[] ids = new int[count];
        int[] generations = new int[count];
        for (int i = 0; i < count; i++) {
            ids[i] = what.remoteBlocks().id(first + i);
            generations[i] = what.remoteBlocks().generation(first + i);
        }
        return new ControlMessages.ReadBlocks(
                        id(),
                        what.requestId(),
                        what.leaseId(),
                        options.deadlineNanos(),
                        options.checksum(),
                        what.remote().id(),
                        cache.id(),
                        what.firstToken(),
                        what.tokens(),
                        first,
                        ids,
                        generations)
                .encode();
    }

    @Override
    void admit(ArrivingFrame frame, long payloadBytes) {
        var fields = frame.fields;
        int block = cache.layout().tokensPerBlock();
        int end = what.firstToken() + what.tokens();
        require(fields.kind == FrameHeader.READ_BLOCKS, "frame kind ", fields.kind);
        require(
                fields.firstToken >= what.firstToken() && fields.firstToken + fields.tokens <= end,
                "tokens that were not asked for");
        require(
                fields.layer >= 0 && fields.layer < cache.layout().layers(),
                "layer ",
                fields.layer);
        frame.requirePayload(plan, session.coding());
        int first = fields.firstToken / block;
        int inBlock = fields.firstToken % block;
        int count = Math.ceilDiv(inBlock + fields.tokens, block);
        require(count <= frame.pins.ids.length, "too many blocks in one frame: ", count);
        for (int i = 0; i < count; i++) {
            frame.pins.ids[i] = what.localBlocks().id(first + i);
            frame.pins.generations[i] = what.localBlocks().generation(first + i);
        }
        frame.pins.pinBlocks(cache, fields.tokens == 0 ? 0 : count);
        frame.aimAtBlocks(plan, new TokenRange(inBlock, fields.tokens), this);
    }

    @Override
    Object memory() {
        return cache;
    }

    @Override
    void quiet() {
        cache.ledger().unpinAll(what.localBlocks(), firstBlock, blockCount);
    }
}
