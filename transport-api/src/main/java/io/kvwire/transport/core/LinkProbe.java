package io.kvwire.transport.core;

import io.kvwire.transport.CodecConfig;
import io.kvwire.transport.StridedCopy;
import io.kvwire.transport.TransferException;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Measures a link of which nothing is known yet, for whoever has to decide by its rate: frames over
 * its data lanes whose payload the peer throws away once it is there, in rounds of growing size. A
 * round ends when the peer has confirmed all of it, so buffers on the way do not count. It is over
 * when a round took long against the way there and back, or when the bytes are used up. Runs once;
 * thread-safe.
 */
final class LinkProbe implements Sender.Owner {
    /** The way there and back is the shortest of so many. */
    private static final int TRIPS = 4;

    private static final long TRIP_BYTES = 64;
    private static final long FIRST_BYTES = CodecConfig.LEAST_PROBE_BYTES;
    private static final int GROWTH = 4;

    /** A round of so many trips, and of such a time, tells the rate and not the trip. */
    private static final int LONG_TRIPS = 4;

    private static final long LONG_NANOS = 5_000_000;

    private final Session session;
    private Optional<Staging.Slot> slot = Optional.empty();
    private Optional<ProbeSender> sender = Optional.empty();
    private volatile boolean over;
    private int held;
    private int trips;
    private long tripNanos = Long.MAX_VALUE;
    private long sinceNanos;
    private long roundBytes;
    private long dueBytes;
    private long mostBytes;

    LinkProbe(Session session) {
        this.session = session;
    }

    /** Begins, unless it has before, or must not. */
    void start() {
        synchronized (this) {
            mostBytes = session.node().config().codec().probeBytes();
            if (over || sender.isPresent() || mostBytes < FIRST_BYTES) {
                return;
            }
            var room = session.coding().outgoing().take(Math.min(pieceBytes(), mostBytes));
            room.part(room.bytes()).fill((byte) 0);
            slot = Optional.of(room);
            sender = Optional.of(new ProbeSender(this, room));
        }
        round(TRIP_BYTES);
    }

    private long pieceBytes() {
        return Math.min(session.remote().bounds().frameBytes(), 1 << 20);
    }

    private void round(long bytes) {
        ProbeSender to;
        synchronized (this) {
            to = sender.orElseThrow();
            roundBytes = bytes;
            dueBytes += bytes;
            sinceNanos = System.nanoTime();
            to.more(bytes);
        }
        session.outbox().add(to);
    }

    /** The peer has so many bytes of the probe in all. */
    void confirmed(long total) {
        ProbeSender of;
        long next;
        synchronized (this) {
            if (sender.isEmpty() || over) {
                return;
            }
            of = sender.get();
            if (total < dueBytes) {
                next = 0;
            } else {
                next = next(Math.max(1, System.nanoTime() - sinceNanos));
            }
        }
        of.confirm(session.outbox(), total);
        if (next > 0) {
            round(next);
        }
    }

    /** The bytes of the next round; 0 when the last one said enough. */
    private long next(long nanos) {
        if (trips < TRIPS) {
            trips++;
            tripNanos = Math.min(tripNanos, nanos);
            return trips < TRIPS ? TRIP_BYTES : Math.min(FIRST_BYTES, mostBytes - dueBytes);
        }
        boolean told = nanos >= LONG_NANOS && nanos >= LONG_TRIPS * tripNanos;
        long more = roundBytes * GROWTH;
        if (!told && dueBytes + more <= mostBytes) {
            return more;
        }
        // The trip is part of the round, but what is left of a short one is no measure.
        long busy = Math.max(nanos - tripNanos, nanos / LONG_TRIPS);
        session.coding().rates().link.probed(roundBytes * 1e9 / busy, dueBytes);
        stop();
        return 0;
    }

    /** Ends it: what is still on its way says nothing any more. */
    synchronized void stop() {
        over = true;
        sender.ifPresent(from -> from.finish(session.outbox()));
        giveBack();
    }

    private void giveBack() {
        if (over && held == 0) {
            slot.ifPresent(taken -> session.coding().outgoing().give(taken));
            slot = Optional.empty();
        }
    }

    @Override
    public boolean wanted() {
        return !over && !session.over();
    }

    @Override
    public synchronized boolean hold() {
        if (over) {
            return false;
        }
        held++;
        return true;
    }

    @Override
    public synchronized void drop() {
        held--;
        giveBack();
    }

    @Override
    public void lost(TransferException reason) {
        stop();
    }

    /** Cuts zeros into frames, always out of the same memory. */
    private static final class ProbeSender extends Sender {
        private final Staging.Slot zeros;
        private final List<StridedCopy> copies;
        private final AtomicLong dueBytes = new AtomicLong();
        private final AtomicLong cutBytes = new AtomicLong();

        ProbeSender(Owner owner, Staging.Slot zeros) {
            super(owner, 0, 0, 0, false, false, null);
            this.zeros = zeros;
            long bytes = zeros.bytes();
            copies = List.of(StridedCopy.contiguous(zeros.offset(), 0, bytes));
        }

        void more(long bytes) {
            dueBytes.addAndGet(bytes);
        }

        @Override
        boolean hasReady() {
            return cutBytes.get() < dueBytes.get();
        }

        @Override
        boolean cut(PooledFrame frame, int maxPayloadBytes) {
            long left = dueBytes.get() - cutBytes.get();
            long bytes = Math.min(Math.min(maxPayloadBytes, zeros.bytes()), left);
            if (bytes <= 0) {
                return false;
            }
            var header = frame.fields;
            header.kind = FrameHeader.PROBE;
            header.position = 0;
            header.objectId = 0;
            header.objectGeneration = 0;
            header.withoutTokens();
            frame.payloadOf(copies, zeros.memory(), 0, bytes);
            cutBytes.addAndGet(bytes);
            return true;
        }
    }
}
