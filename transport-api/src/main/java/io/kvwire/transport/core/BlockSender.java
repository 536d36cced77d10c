package io.kvwire.transport.core;

import io.kvwire.transport.BlockTable;
import io.kvwire.transport.LayoutPlan;
import io.kvwire.transport.Limits;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.spi.DataLink;
import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.PagedSlab;
import io.kvwire.transport.spi.Slab;

import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedQueue;

/** Sends blocks of a cache: layer by layer, tokens in order, cut at the target's block bounds. */
final class BlockSender extends Sender {
    /** Tokens of one layer that are final. */
    record Ready(int layer, TokenRange tokens, long sinceNanos) {
        Ready(int layer, TokenRange tokens) {
            this(layer, tokens, System.nanoTime());
        }
    }

    /** What is sent: whose blocks, how they map, and, for a WRITE, where they go. */
    record What(
            PagedCache cache,
            BlockTable sourceBlocks,
            LayoutPlan plan,
            int targetCache,
            Optional<BlockTable> targetBlocks) {}

    private final What what;
    private final Way way;
    private final boolean staged;
    private final ConcurrentLinkedQueue<Ready> ready = new ConcurrentLinkedQueue<>();
    private volatile boolean partial;
    private int layer;
    private int token;
    private int end;
    private long readyNanos;
    private int encodedTokens;
    private boolean emptySent;

    BlockSender(Owner owner, long transferId, long requestId, long bytes, Flags flags, What what) {
        super(
                owner,
                transferId,
                requestId,
                bytes,
                flags.checksum(),
                flags.notifies(),
                flags.trace());
        this.what = what;
        way = flags.way();
        staged =
                what.cache.device().isPresent()
                        && (way.staged || encodes() || checksum || gathers());
    }

    /** What the frames say besides the data. */
    record Flags(boolean checksum, boolean notifies, TraceLog trace, Way way) {
        /** Of ranges, which go as they are. */
        Flags(boolean checksum, boolean notifies) {
            this(checksum, notifies, null, null);
        }
    }

    /** How the blocks get to the wire: whether encoded, and whether staged even if not. */
    record Way(Coding coding, boolean encodes, boolean staged) {}

    void ready(int index, TokenRange tokens) {
        ready(new Ready(index, tokens));
    }

    void ready(Ready part) {
        if (part.tokens.count() > 0) {
            ready.add(part);
        }
    }

    void allReady(TokenRange tokens) {
        for (int i = 0; i < what.plan.target().layers(); i++) {
            ready(i, tokens);
        }
    }

    @Override
    boolean hasReady() {
        return partial || !ready.isEmpty() || (expectedBytes == 0 && !emptySent);
    }

    @Override
    boolean gathers() {
        return !what.plan.sameOrder();
    }

    @Override
    boolean encodes() {
        return way.encodes;
    }

    @Override
    boolean onDevice() {
        return staged;
    }

    @Override
    boolean fetchable(DataLink link) {
        return what.cache.memory().stream().allMatch(link::fetches);
    }

    /** The device whose memory the source is, where it is {@link #onDevice}. */
    DeviceMemory device() {
        return what.cache.device().orElseThrow();
    }

    /**
     * Where the values of a slab lie. Kernels look up all blocks from token 0 on: tokens are
     * counted from the last bound of blocks of both layouts, which changes nothing, so that the
     * table is no longer than the slab.
     */
    PagedSlab paged(Slab slab) {
        int block = what.plan.source().tokensPerBlock();
        long both = commonMultiple(block, slab.layout().tokensPerBlock());
        int start = (int) (slab.tokens().first() / both * both);
        int[] table = new int[Math.ceilDiv(slab.tokens().end() - start, block)];
        for (int i = 0; i < table.length; i++) {
            table[i] = what.sourceBlocks.id(start / block + i);
        }
        return DeviceCoding.paged(
                slab,
                slab.tokens().first() - start,
                what.plan.source(),
                what.cache.placement().get(slab.layer()),
                table);
    }

    private static long commonMultiple(int one, int other) {
        int a = one;
        int b = other;
        while (b != 0) {
            int rest = a % b;
            a = b;
            b = rest;
        }
        return (long) one / a * other;
    }

    @Override
    boolean cut(PooledFrame frame, int maxPayloadBytes) {
        var header = frame.fields;
        if (expectedBytes == 0) {
            if (emptySent) {
                return false;
            }
            emptySent = true;
            address(header, 0, 0);
            frame.empty();
            return true;
        }
        if (token == end) {
            var next = ready.poll();
            if (next == null) {
                return false;
            }
            layer = next.layer;
            token = next.tokens.first();
            end = next.tokens.end();
            readyNanos = next.sinceNanos;
        }
        int count = count(maxPayloadBytes);
        address(header, token, count);
        frame.times.ready(readyNanos);
        frame.blocks(
                what.plan,
                what.sourceBlocks,
                what.cache.origin(layer),
                new TokenRange(token, count));
        token += count;
        partial = token != end;
        return true;
    }

    private void address(FrameHeader header, int first, int count) {
        header.kind =
                what.targetBlocks.isPresent() ? FrameHeader.WRITE_BLOCKS : FrameHeader.READ_BLOCKS;
        header.position = 0;
        header.objectId = what.targetCache;
        header.objectGeneration = 0;
        header.layer = layer;
        header.firstToken = first;
        header.tokens = count;
        header.firstHead = what.plan.firstHead();
        header.heads = what.plan.heads();
    }

    /** How many tokens fit, rather ending with a block of the target. */
    private int count(int maxPayloadBytes) {
        int block = what.plan.target().tokensPerBlock();
        long fits = Math.max(1, maxPayloadBytes / what.plan.tokenBytes());
        if (encodes()) {
            if (encodedTokens == 0) {
                encodedTokens = way.coding.tokensPerFrame(what.plan, maxPayloadBytes);
            }
            fits = encodedTokens;
        }
        fits = Math.min(fits, (long) (Limits.MAX_BLOCKS_PER_FRAME - 1) * block);
        if (fits >= end - token) {
            return end - token;
        }
        int stop = (int) (token + fits);
        int aligned = stop / block * block;
        return (aligned > token ? aligned : stop) - token;
    }

    /** The target's blocks that tokens lie in, as entries of a WRITE's header. */
    int writeEntries(FrameHeader header, ByteBuffer out, int at) {
        if (what.targetBlocks.isEmpty() || header.tokens == 0) {
            return 0;
        }
        var table = what.targetBlocks.get();
        int block = what.plan.target().tokensPerBlock();
        int first = header.firstToken / block;
        int last = (header.firstToken + header.tokens - 1) / block;
        for (int i = first; i <= last; i++) {
            out.putInt(at, table.id(i)).putInt(at + 4, table.generation(i));
            at += FrameHeader.BLOCK_ENTRY_BYTES;
        }
        return last - first + 1;
    }
}
