package io.kvwire.harness.bench.worker;

import io.kvwire.harness.bench.Point;
import io.kvwire.transport.BlockTable;
import io.kvwire.transport.BlockTransfer;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvCache;
import io.kvwire.transport.NodeAddress;
import io.kvwire.transport.Peer;
import io.kvwire.transport.RemoteCache;
import io.kvwire.transport.Transfer;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferNode;
import io.kvwire.transport.TransferOptions;

import org.HdrHistogram.Histogram;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.LockSupport;

/**
 * The requests of a point, written over and over, so many at a time: the first request to every
 * target, then the second. Confined to one thread.
 */
final class Writes {
    static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final long POLL_NANOS = 100_000;
    private static final double NANOS_PER_SECOND = 1e9;

    private final List<Write> all = new ArrayList<>();
    private final int targets;

    /**
     * A target of this end.
     *
     * @param peer it
     * @param cache the name of what it announced
     * @param table its blocks of all requests, in base64
     */
    record To(Peer peer, String cache, String table) {}

    private record Write(Peer peer, BlockTransfer transfer) {}

    /** The requests of a point from a cache to others. */
    Writes(Point point, BenchCache cache, KvCache registered, List<To> others) {
        targets = others.size();
        var remotes = others.stream().map(Writes::announced).toList();
        var tables = others.stream().map(to -> table(to.table())).toList();
        for (int request = 0; request < point.requests(); request++) {
            int mine = cache.blocksPerRequest();
            int[] ids = Arrays.copyOfRange(cache.order(), request * mine, (request + 1) * mine);
            var local = registered.table(ids);
            for (int i = 0; i < targets; i++) {
                var far = part(tables.get(i), point.requests(), request);
                var transfer =
                        BlockTransfer.of(
                                all.size(), registered, local, remotes.get(i), far, point.tokens());
                all.add(new Write(others.get(i).peer(), transfer));
            }
        }
    }

    static BlockTable table(String base64) {
        return BlockTable.decode(Base64.getDecoder().decode(base64));
    }

    private static BlockTable part(BlockTable all, int requests, int request) {
        int count = all.size() / requests;
        int[] ids = new int[count];
        int[] generations = new int[count];
        for (int i = 0; i < count; i++) {
            ids[i] = all.id(request * count + i);
            generations[i] = all.generation(request * count + i);
        }
        return BlockTable.of(all.incarnation(), ids, generations);
    }

    static Peer connect(TransferNode from, NodeAddress address) {
        try {
            return from.connect(address).join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof TransferException known ? known : e;
        }
    }

    /** The target's word over its pipe may overtake its announcement over the network. */
    private static RemoteCache announced(To to) {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (System.nanoTime() < end && to.peer().connected()) {
            var found = to.peer().cache(to.cache());
            if (found.isPresent()) {
                return found.get();
            }
            LockSupport.parkNanos(POLL_NANOS);
        }
        throw new TransferException(
                ErrorCode.UNKNOWN_REGION, "the target did not announce " + to.cache());
    }

    static Histogram times() {
        return new Histogram(PATIENCE.toNanos(), 3);
    }

    /**
     * Writes for so long, and waits for the last.
     *
     * @param depth to each target
     * @return how many requests, to all targets
     */
    long run(double seconds, int depth, Histogram times) {
        var options = TransferOptions.DEFAULT.withDeadline(PATIENCE);
        var inFlight = new ArrayDeque<Transfer>();
        long end = System.nanoTime() + (long) (seconds * NANOS_PER_SECOND);
        long done = 0;
        int next = 0;
        boolean more = true;
        boolean started = false;
        while (more || !inFlight.isEmpty()) {
            // At least one, however long it takes.
            more = !started || end > System.nanoTime();
            if (more && inFlight.size() < depth * targets) {
                var write = all.get(next);
                inFlight.add(write.peer().write(write.transfer(), options));
                started = true;
                next = (next + 1) % all.size();
                continue;
            }
            if (inFlight.isEmpty()) {
                break;
            }
            var first = inFlight.remove();
            first.join(PATIENCE);
            times.recordValue(Math.min(PATIENCE.toNanos(), first.timing().totalNanos()));
            done++;
        }
        return done;
    }

    /** {@return how many of so many requests went to each target, in their order} */
    List<Long> each(long done) {
        var counts = new ArrayList<Long>();
        for (int i = 0; i < targets; i++) {
            counts.add((done + targets - 1 - i) / targets);
        }
        return List.copyOf(counts);
    }
}
