package io.kvwire.tcp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.Access;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.RangeTransfer;
import io.kvwire.transport.StridedCopy;
import io.kvwire.transport.TlsConfig;
import io.kvwire.transport.TransferNode;
import io.kvwire.transport.TransferOptions;

import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/** How payload gets from memory to memory: every byte, in place, not faster than allowed. */
class PayloadTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private static MemorySegment random(Arena arena, long bytes, long seed) {
        var memory = arena.allocate(bytes, 8);
        var random = new Random(seed);
        for (long i = 0; i + 8 <= bytes; i += 8) {
            memory.set(ValueLayout.JAVA_LONG, i, random.nextLong());
        }
        return memory;
    }

    /** Moves ranges from one node to another and gives the receiver's counters. */
    private static io.kvwire.transport.MetricsSnapshot move(
            NodeConfig near,
            NodeConfig far,
            MemorySegment from,
            MemorySegment to,
            List<StridedCopy> ranges)
            throws Exception {
        try (var source = TransferNode.start(near);
                var target = TransferNode.start(far)) {
            var local = source.register(from, Access.LOCAL);
            var remote = target.register(to, Access.REMOTE_WRITE);
            var peer = source.connect(target.address()).get(30, TimeUnit.SECONDS);
            peer.write(
                            new RangeTransfer(
                                    1, local, peer.region(remote.id()).orElseThrow(), ranges),
                            TransferOptions.DEFAULT)
                    .join(PATIENCE);
            return target.metrics();
        }
    }

    /** Pieces of random length from random places to a permutation of places, with gaps. */
    private static List<StridedCopy> scattered(Random random, int pieces, int most) {
        var ranges = new ArrayList<StridedCopy>();
        var slots = new ArrayList<Integer>();
        for (int i = 0; i < pieces; i++) {
            slots.add(i);
        }
        java.util.Collections.shuffle(slots, random);
        for (int i = 0; i < pieces; i++) {
            long length = 1L + random.nextInt(most);
            ranges.add(
                    StridedCopy.contiguous(
                            (long) slots.get(i) * (most + 1), (long) i * (most + 1), length));
        }
        return ranges;
    }

    @RepeatedTest(5)
    void scatteredPiecesOfAnyLengthArriveByteForByteAndInPlace() throws Exception {
        long seed = new Random().nextLong();
        var random = new Random(seed);
        int pieces = 1 + random.nextInt(5000);
        int most = 1 + random.nextInt(random.nextBoolean() ? 64 : 9000);
        var ranges = scattered(random, pieces, most);
        try (var arena = Arena.ofShared()) {
            var from = random(arena, (long) pieces * (most + 1) + 8, seed);
            var to = arena.allocate((long) pieces * (most + 1) + 8, 8);
            int lanes = 1 + random.nextInt(4);
            var metrics =
                    move(
                            NodeConfig.named("near").withLanes(lanes),
                            NodeConfig.named("far").withLanes(lanes),
                            from,
                            to,
                            ranges);
            var expected = arena.allocate(to.byteSize(), 8);
            ranges.forEach(range ->
                    MemorySegment.copy(
                            from,
                            range.sourceOffset(),
                            expected,
                            range.targetOffset(),
                            range.length()));
            assertEquals(-1, expected.mismatch(to), "seed " + seed);
            assertTrue(metrics.bytesReceived() > 0);
            assertEquals(
                    metrics.bytesReceived(),
                    metrics.bytesReceivedInPlace(),
                    "no byte is copied in user space");
        }
    }

    @Test
    void withTlsTheCopyIsOwnedUpTo(@TempDir Path folder) throws Exception {
        TlsConfig tls = new Certificates(folder, "fleet").issue("node");
        long bytes = 3_000_000;
        try (var arena = Arena.ofShared()) {
            var from = random(arena, bytes, 7);
            var to = arena.allocate(bytes, 8);
            var metrics =
                    move(
                            NodeConfig.named("near").withTls(tls),
                            NodeConfig.named("far").withTls(tls),
                            from,
                            to,
                            List.of(StridedCopy.contiguous(0, 0, bytes)));
            assertEquals(-1, from.mismatch(to));
            assertEquals(bytes, metrics.bytesReceived());
            assertEquals(0, metrics.bytesReceivedInPlace());
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {4_000_000, 20_000_000})
    void aLimitedNodeSendsNoFaster(long rate) throws Exception {
        long bytes = rate / 2;
        try (var arena = Arena.ofShared()) {
            var from = random(arena, bytes, rate);
            var to = arena.allocate(bytes, 8);
            var near = NodeConfig.named("near").withBytesPerSecond(rate);
            assertEquals(OptionalLong.of(rate), near.bytesPerSecond());
            long start = System.nanoTime();
            move(
                    near,
                    NodeConfig.named("far"),
                    from,
                    to,
                    List.of(StridedCopy.contiguous(0, 0, bytes)));
            long took = System.nanoTime() - start;
            assertEquals(-1, from.mismatch(to));
            // Half a second's worth; a tenth may have been saved up before the first byte.
            assertTrue(took >= TimeUnit.MILLISECONDS.toNanos(400), took + " ns for half a second");
        }
    }
}
