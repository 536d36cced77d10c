package io.kvwire.transport.core;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvStream;
import io.kvwire.transport.LayoutPlan;
import io.kvwire.transport.PaceDecision;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.Transfer;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferOptions;

import java.util.BitSet;
import java.util.Optional;
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
    private final long bytes;
    private final LayerGroups groups;
    private BlockSender sender;
    private PaceDecision decision;
    private boolean measured;

    BlockStream(
            TokenRange tokens,
            LayoutPlan plan,
            TransferOptions.Pace pace,
            Function<BlockStream, WriteTransfer> open) {
        this.tokens = tokens;
        this.pace = pace;
        bytes = plan.bytes(tokens.count());
        int layers = plan.target().layers();
        handed = new BitSet[layers];
        for (int i = 0; i < layers; i++) {
            handed[i] = new BitSet();
        }
        groups = new LayerGroups(plan.tokenBytes(), (long) tokens.count() * layers);
        transfer = open.apply(this);
    }

    /** The transfer has its slot: what was handed over before goes first. */
    synchronized void opened(BlockSender frames) {
        sender = frames;
        if (pace == TransferOptions.Pace.AUTO) {
            transfer.session.coding().rates().want();
            transfer.session.probe.start();
        }
        decide();
        if (groups.due(decision)) {
            groups.take().forEach(sender::ready);
        }
    }

    /** Decides by what is known of the link now; the first stream may learn it on its way. */
    private void decide() {
        if (measured) {
            return;
        }
        var rates = transfer.session.coding().rates();
        double link = rates.link.bytesPerSecond();
        measured = pace != TransferOptions.Pace.AUTO || link > 0;
        double ratio = rates.snapshot().ratio();
        if (sender.encodes() && ratio > 0) {
            link *= ratio;
        }
        decision = PaceDecision.of(pace, bytes, link, HAND_OVER_NANOS);
        if (pace == TransferOptions.Pace.AUTO) {
            rates.paced(decision);
        }
    }

    @Override
    public void ready(int layer, int firstToken, int count) {
        var range = new TokenRange(firstToken, count);
        synchronized (this) {
            check(layer, range);
            handed[layer].set(firstToken, range.end());
            groups.add(new BlockSender.Ready(layer, range));
            if (sender == null) {
                return;
            }
            decide();
            if (!groups.due(decision)) {
                return;
            }
            groups.take().forEach(sender::ready);
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
    public synchronized Optional<PaceDecision> pace() {
        return Optional.ofNullable(decision);
    }

    @Override
    public void close() {
        boolean whole;
        synchronized (this) {
            whole = groups.whole();
        }
        if (!whole) {
            transfer.cancel();
        }
    }
}
