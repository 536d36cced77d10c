package io.kvwire.transport.core;

import io.kvwire.transport.Access;
import io.kvwire.transport.CodecConfig;
import io.kvwire.transport.CodecDecision;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.LayoutPlan;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.KvCodec;
import io.kvwire.transport.spi.KvModel;
import io.kvwire.transport.spi.Slab;

import java.util.ArrayDeque;
import java.util.function.Consumer;

/**
 * The codec that the two ends of one connection have agreed on, the staging on this side of it, and
 * the choice of codec or raw for each transfer. Thread-safe.
 */
final class Coding {
    /**
     * What a frame costs at least of the receiver's window when it is encoded, so that small frames
     * cannot take more staging than large ones.
     */
    static final int LEAST_CHARGE = 4096;

    private final Coders coders;
    private final String name;
    private final KvModel model;
    private final CodecRates rates;
    private final CodecExperience experience = new CodecExperience();
    private final Staging outgoing;
    private final Staging incoming;
    private final ArrayDeque<KvCodec> idle = new ArrayDeque<>();
    private volatile String lastDecision = "";
    private volatile Consumer<CodecTrial> hearer = trial -> {};

    /** What the two ends have agreed on. */
    record Agreed(String name, KvModel model) {}

    Coding(LocalNode node, Agreed agreed, Hello.Bounds bounds) {
        coders = node.coders();
        name = agreed.name;
        model = agreed.model;
        rates = new CodecRates(coders.config().threads(), coders.config().automatic());
        if (active()) {
            coders.prepare(name);
        }
        outgoing =
                new Staging(
                        coders.config().stagingSlots(),
                        coders.config().stagingBytes(),
                        memory -> node.registry().stagingAdded(memory, Access.LOCAL),
                        node.registry()::stagingRemoved);
        // A slot has less than twice the bytes of its frame, and a frame may be alone and larger.
        // Frames for a device are charged as they are, and have slots of a least size.
        incoming =
                new Staging(
                        Integer.MAX_VALUE,
                        2 * bounds.windowBytes() + (long) Outbox.MAX_FRAMES * LEAST_CHARGE,
                        memory -> node.registry().stagingAdded(memory, Access.REMOTE_WRITE),
                        node.registry()::stagingRemoved);
    }

    /** The first codec of the connecting side that the accepting side takes too. */
    static Agreed agree(LocalNode node, Hello hello) {
        var mine = node.coders().config();
        for (var candidate : hello.codecs().names()) {
            if (mine.names().contains(candidate)) {
                return new Agreed(candidate, agree(mine.model(), hello.codecs().model(), hello));
            }
        }
        throw new TransferException(
                ErrorCode.REFUSED,
                "'%s' takes blocks as %s, '%s' as %s: list one codec at both ends (codec)"
                        .formatted(
                                hello.name(), hello.codecs().names(), node.name(), mine.names()));
    }

    private static KvModel agree(KvModel mine, KvModel theirs, Hello hello) {
        boolean known = mine.fingerprintHigh() != 0 || mine.fingerprintLow() != 0;
        boolean told = theirs.fingerprintHigh() != 0 || theirs.fingerprintLow() != 0;
        boolean same =
                mine.fingerprintHigh() == theirs.fingerprintHigh()
                        && mine.fingerprintLow() == theirs.fingerprintLow();
        if (mine.ropeApplied() != theirs.ropeApplied() || (known && told && !same)) {
            throw new TransferException(
                    ErrorCode.INCOMPATIBLE_LAYOUT,
                    "'%s' holds the cache of another model: %s there, %s here"
                            .formatted(hello.name(), theirs, mine));
        }
        return told ? theirs : mine;
    }

    /** Whether anything but raw was agreed on. */
    boolean active() {
        return !name.equals(CodecConfig.RAW_NAME);
    }

    boolean automatic() {
        return active() && coders.config().automatic();
    }

    String name() {
        return name;
    }

    Agreed agreed() {
        return new Agreed(name, model);
    }

    CodecRates rates() {
        return rates;
    }

    CodecExperience experience() {
        return experience;
    }

    /** Encoded frames on their way out. */
    Staging outgoing() {
        return outgoing;
    }

    /** Encoded frames that have come. */
    Staging incoming() {
        return incoming;
    }

    boolean run(Runnable work) {
        return coders.run(work);
    }

    /** Takes a codec for this thread alone. */
    KvCodec take() {
        synchronized (idle) {
            var codec = idle.poll();
            return codec == null ? coders.create(name, model) : codec;
        }
    }

    void give(KvCodec codec) {
        synchronized (idle) {
            idle.push(codec);
        }
    }

    long maxFrameBytes(Slab slab) {
        var codec = take();
        try {
            return codec.maxFrameBytes(slab);
        } finally {
            give(codec);
        }
    }

    /** How many tokens fit into a frame of so many bytes; at least one. */
    int tokensPerFrame(LayoutPlan plan, int maxPayloadBytes) {
        int fits = 1;
        int least = 2;
        long most = Math.max(1, maxPayloadBytes / plan.tokenBytes());
        while (least <= most) {
            int middle = (int) ((least + most) >>> 1);
            if (maxFrameBytes(slab(plan, middle)) <= maxPayloadBytes) {
                fits = middle;
                least = middle + 1;
            } else {
                most = middle - 1L;
            }
        }
        return fits;
    }

    private static Slab slab(LayoutPlan plan, int tokens) {
        return new Slab(
                new Slab.Id(0, 0, 0, 0, 1),
                plan.target(),
                0,
                new TokenRange(0, tokens),
                plan.firstHead(),
                plan.heads());
    }

    /** What of the window an encoded frame costs. */
    static long charge(long rawBytes, long wireBytes) {
        return Math.max(LEAST_CHARGE, Math.max(rawBytes, wireBytes));
    }

    /** The most bytes that the encoded form of a frame may have. */
    static long maxPayloadBytes(long rawBytes) {
        return 2 * rawBytes + LEAST_CHARGE;
    }

    /**
     * Chooses how a transfer of blocks goes.
     *
     * @param alone whether it will be known how long it takes, by {@link CodecExperience#watch}
     */
    CodecDecision decide(long bytes, long frameBytes, boolean alone) {
        var now = rates.snapshot();
        if (!automatic()) {
            return new CodecDecision(name, "agreed at the handshake", now);
        }
        var decision =
                now.known()
                        ? experience.choose(name, now, bytes, frameBytes, alone)
                        : new CodecDecision(CodecConfig.RAW_NAME, rates.missing(), now);
        lastDecision = "; last: " + decision.codec() + ", " + decision.reason();
        return decision;
    }

    boolean encodes(CodecDecision decision) {
        return !decision.codec().equals(CodecConfig.RAW_NAME);
    }

    /** What there is to say for the path report. */
    String describe() {
        return (automatic() ? "by measured rates, " : "always, ") + rates.snapshot() + lastDecision;
    }

    /** Takes over the codec's trial, and tells the peer how fast this side decodes. */
    void measure(Session session) {
        hearer =
                trial -> {
                    rates.tried(trial);
                    session.send(
                            new MessageWriter(ControlMessages.RATE)
                                    .u64((long) trial.decodeBytesPerSecond()));
                };
        coders.news(name).hear(hearer);
        if (session.over()) {
            coders.news(name).forget(hearer);
        }
    }

    void close() {
        if (active()) {
            coders.news(name).forget(hearer);
        }
        outgoing.close();
        incoming.close();
    }
}
