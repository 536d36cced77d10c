package io.kvwire.transport.core;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvStream;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.Transfer;
import io.kvwire.transport.TransferException;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.function.Function;

/** A layer-wise push: hands to its transfer's sender what the engine says is final. */
final class BlockStream implements KvStream {
    private final TokenRange tokens;
    private final BitSet[] handed;
    private final WriteTransfer transfer;
    private final ArrayList<BlockSender.Ready> early = new ArrayList<>();
    private BlockSender sender;
    private long missing;

    BlockStream(TokenRange tokens, int layers, Function<BlockStream, WriteTransfer> open) {
        this.tokens = tokens;
        handed = new BitSet[layers];
        for (int i = 0; i < layers; i++) {
            handed[i] = new BitSet();
        }
        missing = (long) tokens.count() * layers;
        transfer = open.apply(this);
    }

    /** The transfer has its slot: what was handed over before goes first. */
    synchronized void opened(BlockSender frames) {
        sender = frames;
        early.forEach(each -> frames.ready(each.layer(), each.tokens()));
        early.clear();
    }

    @Override
    public void ready(int layer, int firstToken, int count) {
        var range = new TokenRange(firstToken, count);
        synchronized (this) {
            check(layer, range);
            handed[layer].set(firstToken, range.end());
            missing -= count;
            if (sender == null) {
                early.add(new BlockSender.Ready(layer, range));
                return;
            }
            sender.ready(layer, range);
        }
        transfer.session.outbox().add(sender);
    }

    private void check(int layer, TokenRange range) {
        if (layer < 0 || layer >= handed.length || !tokens.contains(range)) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    "layer "
                            + layer
                            + ", tokens "
                            + range.first()
                            + " + "
                            + range.count()
                            + " are not part of a stream of "
                            + handed.length
                            + " layers, tokens "
                            + tokens.first()
                            + " + "
                            + tokens.count());
        }
        int twice = handed[layer].nextSetBit(range.first());
        if (twice >= 0 && twice < range.end()) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    "token " + twice + " of layer " + layer + " was handed over before");
        }
    }

    @Override
    public Transfer transfer() {
        return transfer;
    }

    @Override
    public void close() {
        boolean whole;
        synchronized (this) {
            whole = missing == 0;
        }
        if (!whole) {
            transfer.cancel();
        }
    }
}
