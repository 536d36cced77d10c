package io.kvwire.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.kvwire.transport.Access;
import io.kvwire.transport.RangeTransfer;
import io.kvwire.transport.Region;
import io.kvwire.transport.RemoteRegion;
import io.kvwire.transport.StridedCopy;
import io.kvwire.transport.TransferOptions;
import io.kvwire.transport.TransferOutcome;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/**
 * Raw bytes between regions, for one {@link SoakWorker}: registers memory at both ends for each
 * transfer, and compares all of it afterwards, also the bytes that no range names.
 */
final class SoakRegions {
    private static final int BYTES = 128 << 10;
    private static final int GUARD = 256;
    private static final int MOST_RANGES = 16;
    private static final int MOST_PIECES = 8;

    private final SoakRound round;
    private final Random random;
    private final MemorySegment near;
    private final MemorySegment far;

    /** One transfer that is over: its ends, and what was at the target before it. */
    @SuppressWarnings("ArrayRecordComponent") // passed on once, never compared
    private record Moved(
            MemorySegment source,
            MemorySegment target,
            byte[] before,
            List<StridedCopy> ranges,
            TransferOutcome outcome) {}

    SoakRegions(SoakRound round, Random random) {
        this.round = round;
        this.random = random;
        near = round.bytes(BYTES + 2 * GUARD);
        far = round.bytes(BYTES + 2 * GUARD);
    }

    /** Writes to there or reads from there; both ends may be cut off in the middle of it. */
    void move(SoakRound.Side here, SoakRound.Side there, TransferOptions options) {
        boolean write = random.nextBoolean();
        var moved = Optional.<Moved>empty();
        var local = register(here, near, Access.LOCAL);
        try {
            var owned = register(there, far, write ? Access.REMOTE_WRITE : Access.REMOTE_READ);
            try {
                moved =
                        announced(here, owned)
                                .map(remote -> move(here, local, remote, write, options));
            } finally {
                takeBack(owned);
            }
        } finally {
            takeBack(local);
        }
        moved.ifPresent(this::verify); // nothing of it can arrive any more
    }

    private Moved move(
            SoakRound.Side here,
            Region local,
            RemoteRegion remote,
            boolean write,
            TransferOptions options) {
        var source = write ? near : far;
        var target = write ? far : near;
        var before = target.toArray(ValueLayout.JAVA_BYTE);
        var ranges = ranges();
        var what = new RangeTransfer(round.requests.incrementAndGet(), local, remote, ranges);
        var transfer = write ? here.peer().write(what, options) : here.peer().read(what, options);
        return new Moved(source, target, before, ranges, round.finish(transfer, random));
    }

    private Region register(SoakRound.Side side, MemorySegment memory, Access access) {
        scribble(memory);
        return side.node().register(memory.asSlice(GUARD, BYTES), access);
    }

    private void scribble(MemorySegment memory) {
        var bytes = new byte[(int) memory.byteSize()];
        random.nextBytes(bytes);
        MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, bytes.length);
    }

    /** The region as the peer sees it; none when the message about it is lost, or the peer is. */
    private static Optional<RemoteRegion> announced(SoakRound.Side here, Region owned) {
        return Waits.within(
                SoakWorker.LONGEST_DEADLINE,
                () ->
                        here.peer()
                                .region(owned.id())
                                .filter(known -> known.generation() == owned.generation()));
    }

    private static void takeBack(Region region) {
        Waits.get("the end of a region", region.deregister());
    }

    /** Ranges of which no two have a byte in common at one end. */
    private List<StridedCopy> ranges() {
        int count = 1 + random.nextInt(MOST_RANGES);
        int room = BYTES / count;
        var places = new ArrayList<Integer>();
        for (int i = 0; i < count; i++) {
            places.add(i);
        }
        Collections.shuffle(places, random);
        var ranges = new ArrayList<StridedCopy>();
        for (int i = 0; i < count; i++) {
            int pieces = 1 + random.nextInt(MOST_PIECES);
            int apart = room / pieces;
            int length = 1 + random.nextInt(apart);
            long from = (long) places.get(i) * room;
            ranges.add(new StridedCopy(from, apart, (long) i * room, apart, length, pieces));
        }
        return ranges;
    }

    /** Whatever came of it, only the ranges have changed; of what is DONE, all of them. */
    private void verify(Moved moved) {
        boolean done = moved.outcome.done();
        var origin = done ? moved.source : moved.target;
        var expected = moved.before;
        long bytes = 0;
        for (var range : moved.ranges) {
            for (int i = 0; i < range.count(); i++) {
                long to = GUARD + range.targetOffset() + i * range.targetStride();
                long from = done ? GUARD + range.sourceOffset() + i * range.sourceStride() : to;
                int length = (int) range.length();
                MemorySegment.copy(origin, ValueLayout.JAVA_BYTE, from, expected, (int) to, length);
                bytes += length;
            }
        }
        long wrong = MemorySegment.ofArray(expected).mismatch(moved.target);
        assertEquals(-1, wrong, () -> "a region has a wrong byte after " + moved.outcome);
        if (done) {
            round.verifiedBytes.add(bytes);
            round.regionBytes.add(bytes);
        }
    }
}
