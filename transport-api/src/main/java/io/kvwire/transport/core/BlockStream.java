package io.kvwire.transport.core;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvStream;
import io.kvwire.transport.LayoutPlan;
import io.kvwire.transport.Overlap;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.Transfer;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferOptions;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.function.Function;

/** A layer-wise push: hands to its transfer's sender what the engine says is final. */
final class BlockStream implements KvStream {
    /**
     * What one hand-over costs beside its bytes: waking a thread at each end, and one pass of the
     * wire's loop. Tens of microseconds on common hosts; the exact value moves only the size below
     * which layers go together.
     */
    private static final long HAND_OVER_NANOS = 50_000;

    private final TokenRange tokens;
    private final BitSet[] handed;
    private final WriteTransfer transfer;
    private final TransferOptions.Pace pace;
    private final long tokenBytes;
    private final ArrayList<BlockSender.Ready> waiting = new ArrayList<>();
    private BlockSender sender;
    private long waitingBytes;
    private long missing;

    BlockStream(
            TokenRange tokens,
            LayoutPlan plan,
            TransferOptions.Pace pace,
            Function<BlockStream, WriteTransfer> open) {
        this.tokens = tokens;
        this.pace = pace;
        tokenBytes = plan.tokenBytes();
        int layers = plan.target().layers();
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
        if (pace == TransferOptions.Pace.AUTO) {
            transfer.session.coding().rates().want();
        }
        if (enough()) {
            flush();
        }
    }

    @Override
    public void ready(int layer, int firstToken, int count) {
        var range = new TokenRange(firstToken, count);
        synchronized (this) {
            check(layer, range);
            handed[layer].set(firstToken, range.end());
            missing -= count;
            hold(new BlockSender.Ready(layer, range));
            if (sender == null || !enough()) {
                return;
            }
            flush();
        }
        transfer.session.outbox().add(sender);
    }

    /** Keeps a part for the next group; chunks of one layer that adjoin make one part. */
    private void hold(BlockSender.Ready part) {
        waitingBytes += tokenBytes * part.tokens().count();
        if (!waiting.isEmpty()) {
            var last = waiting.getLast();
            if (last.layer() == part.layer() && last.tokens().end() == part.tokens().first()) {
                var joined =
                        new TokenRange(
                                last.tokens().first(),
                                last.tokens().count() + part.tokens().count());
                waiting.set(
                        waiting.size() - 1,
                        new BlockSender.Ready(part.layer(), joined, last.sinceNanos()));
                return;
            }
        }
        waiting.add(part);
    }

    /** Whether what waits is worth a hand-over to the wire. */
    private boolean enough() {
        return missing == 0
                || switch (pace) {
                    case LAYERWISE -> true;
                    case BULK -> false;
                    case AUTO -> {
                        double link = transfer.session.coding().rates().link.bytesPerSecond();
                        yield waitingBytes >= Overlap.groupBytes(link, HAND_OVER_NANOS);
                    }
                };
    }

    private void flush() {
        waiting.forEach(sender::ready);
        waiting.clear();
        waitingBytes = 0;
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
