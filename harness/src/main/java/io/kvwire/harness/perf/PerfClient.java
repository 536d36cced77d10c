package io.kvwire.harness.perf;

import io.kvwire.transport.Access;
import io.kvwire.transport.BlockTable;
import io.kvwire.transport.BlockTransfer;
import io.kvwire.transport.CodecDecision;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.NodeAddress;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.NodeConfig.WaitMode;
import io.kvwire.transport.NodeListener;
import io.kvwire.transport.Peer;
import io.kvwire.transport.RemoteCache;
import io.kvwire.transport.Transfer;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferNode;
import io.kvwire.transport.TransferOptions;

import org.HdrHistogram.Histogram;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** The measuring end: one connection, and the points measured over it. Confined to one thread. */
final class PerfClient implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final long MAX_MICROS_RECORDED = TimeUnit.MINUTES.toNanos(1);

    private final LinkedBlockingQueue<PerfMessage> answers = new LinkedBlockingQueue<>();
    private final PerfLink link;
    private final boolean spin;
    private final boolean privateMemory;
    private final TransferNode node;
    private final Peer peer;
    private volatile Pings pings;

    /**
     * How long and how hard to measure.
     *
     * @param seconds measured, after a warm-up
     * @param mostWarmUpSeconds what the warm-up takes at most; it ends before when the compiler of
     *     the JVM has little to do any more
     * @param depth transfers in flight
     * @param checksum whether frames carry CRC32C
     * @param verify whether every byte is checked
     */
    record Effort(
            double seconds, double mostWarmUpSeconds, int depth, boolean checksum, boolean verify) {
        /** What a JVM on two cores takes until the data path begins to run compiled, measured. */
        private static final double COMPILED_SECONDS = 2;

        double leastWarmUpSeconds() {
            double least = Math.min(seconds, Math.max(seconds / 4, COMPILED_SECONDS));
            return Math.min(mostWarmUpSeconds, least);
        }
    }

    PerfClient(PerfLink link, NodeConfig config, NodeAddress server, boolean privateMemory) {
        this.link = link;
        this.privateMemory = privateMemory;
        spin = config.waitMode() == WaitMode.SPIN;
        node = TransferNode.start(config.connectOnly().withListener(new Answers()));
        try {
            peer = node.connect(server).join();
        } catch (CompletionException e) {
            node.close();
            throw e.getCause() instanceof TransferException known ? known : e;
        }
    }

    Peer peer() {
        return peer;
    }

    private PerfMemory newMemory(String name, PerfCase point) {
        var arena = PerfMemory.arena(peer.path(), privateMemory);
        return new PerfMemory(node, name, point, Access.LOCAL, arena);
    }

    private final class Answers implements NodeListener {
        @Override
        public void notified(Peer from, byte[] payload) {
            if (PerfMessage.isPing(payload)) {
                pings.pong();
            } else {
                answers.add(PerfMessage.decode(payload));
            }
        }

        @Override
        public void disconnected(Peer from, TransferException reason) {
            answers.add(PerfMessage.failed(reason.getMessage()));
        }
    }

    private PerfMessage ask(PerfMessage question, PerfMessage.Type expected) {
        peer.notify(question.encode());
        PerfMessage answer;
        try {
            answer = answers.poll(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TransferException(ErrorCode.CANCELLED, "interrupted", e);
        }
        if (answer == null || answer.type() != expected) {
            throw new TransferException(
                    ErrorCode.PEER_LOST,
                    answer == null
                            ? "'" + peer.name() + "' did not answer within " + PATIENCE
                            : answer.error() == null
                                    ? "'" + peer.name() + "' answered " + answer.type()
                                    : answer.error());
        }
        return answer;
    }

    /** Measures blocks. */
    PerfResult blocks(PerfCase point, Effort effort) {
        boolean write = point.op() == PerfOp.WRITE;
        var ready = ask(PerfMessage.setup(point), PerfMessage.Type.READY);
        var name = "local-" + ready.cache();
        try (var memory = newMemory(name, point)) {
            if (write) {
                memory.fill();
            }
            var remote =
                    peer.cache(ready.cache())
                            .orElseThrow(() ->
                                    new TransferException(
                                            ErrorCode.UNKNOWN_REGION,
                                            "the server did not announce its cache"));
            var lists = new Lists(point, memory, BlockTable.decode(ready.table()), remote);
            warmUp(point, lists, effort);
            ask(PerfMessage.of(PerfMessage.Type.START), PerfMessage.Type.STARTED);
            if (!write) {
                memory.poison();
            }
            var times = new Histogram(MAX_MICROS_RECORDED, 3);
            long cpu = PerfServer.cpuNanos();
            var sum = run(point, lists, effort, effort.seconds(), times);
            long ownCpu = PerfServer.cpuNanos() - cpu;
            long places = effort.verify() ? sum.transfers * point.blockCount() : 0;
            var theirs = ask(PerfMessage.finish(places), PerfMessage.Type.RESULT);
            Boolean verified = null;
            if (effort.verify()) {
                verified = write ? theirs.verified() : memory.verify(places);
            }
            double gigabytes =
                    sum.transfers * (double) point.blockCount() * point.blockBytes() / 1e9;
            double descriptors = sum.transfers * (double) point.blockCount();
            long senderCpu = write ? ownCpu : theirs.cpuNanos();
            return new PerfResult(
                    point.op().name().toLowerCase(java.util.Locale.ROOT),
                    point.blockBytes(),
                    point.blockCount(),
                    point.workingSetBytes(),
                    link,
                    gigabytes / sum.seconds,
                    descriptors / sum.seconds,
                    times.getValueAtPercentile(50) / 1e3,
                    times.getValueAtPercentile(99) / 1e3,
                    (ownCpu + theirs.cpuNanos()) / 1e9 / gigabytes,
                    senderCpu / descriptors,
                    verified,
                    point.scattered(),
                    effort.depth(),
                    sum.codecs.decision().map(CodecDecision::codec).orElse(""),
                    sum.codecs.share(),
                    sum.codecs.decision().map(CodecDecision::reason).orElse(""),
                    sum.codecs.ratio());
        } finally {
            if (peer.connected()) {
                peer.notify(PerfMessage.of(PerfMessage.Type.TEARDOWN).encode());
            }
        }
    }

    /** The block tables of all transfers of a working set, made once. */
    private static final class Lists {
        final BlockTransfer[] transfers;

        Lists(PerfCase point, PerfMemory memory, BlockTable theirs, RemoteCache remote) {
            int[] mine = point.order(point.op() == PerfOp.WRITE);
            transfers = new BlockTransfer[point.lists()];
            int count = point.blockCount();
            for (int i = 0; i < transfers.length; i++) {
                int[] local = new int[count];
                int[] ids = new int[count];
                int[] generations = new int[count];
                for (int j = 0; j < count; j++) {
                    local[j] = mine[i * count + j];
                    ids[j] = theirs.id(i * count + j);
                    generations[j] = theirs.generation(i * count + j);
                }
                transfers[i] =
                        BlockTransfer.of(
                                i,
                                memory.cache(),
                                memory.cache().table(local),
                                remote,
                                BlockTable.of(theirs.incarnation(), ids, generations),
                                count * point.tokensPerBlock());
            }
        }
    }

    private record Sum(long transfers, double seconds, CodecTally codecs) {}

    private void warmUp(PerfCase point, Lists lists, Effort effort) {
        var times = new Histogram(MAX_MICROS_RECORDED, 3);
        WarmUp.run(
                effort.leastWarmUpSeconds(),
                effort.mostWarmUpSeconds(),
                seconds -> run(point, lists, effort, seconds, times),
                WarmUp::compilerMillis);
    }

    private Sum run(PerfCase point, Lists lists, Effort effort, double seconds, Histogram times) {
        var options =
                TransferOptions.DEFAULT.withDeadline(PATIENCE).withChecksum(effort.checksum());
        var inFlight = new ArrayDeque<Transfer>();
        long start = System.nanoTime();
        long end = start + (long) (seconds * 1e9);
        long done = 0;
        int next = 0;
        var codecs = new CodecTally();
        Transfer last = null;
        while (System.nanoTime() < end || !inFlight.isEmpty()) {
            if (System.nanoTime() < end && inFlight.size() < effort.depth()) {
                var blocks = lists.transfers[next];
                next = (next + 1) % lists.transfers.length;
                inFlight.add(
                        point.op() == PerfOp.WRITE
                                ? peer.write(blocks, options)
                                : peer.read(blocks, options));
                continue;
            }
            var first = inFlight.remove();
            first.join(PATIENCE);
            last = first;
            codecs.add(first);
            times.recordValue(Math.min(MAX_MICROS_RECORDED, first.timing().totalNanos()));
            done++;
        }
        double took = (System.nanoTime() - start) / 1e9;
        if (last == null) {
            throw new IllegalStateException("no transfer in " + seconds + " s");
        }
        last.quiescence().join();
        return new Sum(done, took, codecs);
    }

    /**
     * Measures the round trip of a message. The next message is sent by the thread of the wire that
     * received the last, as an application would that answers where it is told.
     */
    PerfResult pings(int bytes, double seconds) {
        var run = new Pings(bytes, seconds);
        pings = run;
        peer.notify(run.message);
        try {
            long most = (long) (seconds * 1.25e9) + PATIENCE.toNanos();
            if (!run.done.await(most, TimeUnit.NANOSECONDS) || !peer.connected()) {
                throw new TransferException(
                        ErrorCode.PEER_LOST, "'" + peer.name() + "' does not answer a ping");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TransferException(ErrorCode.CANCELLED, "interrupted", e);
        }
        double rounds = run.times.getTotalCount();
        double counted = run.countedNanos / 1e9;
        double gigabytes = rounds * bytes * 2 / 1e9;
        return new PerfResult(
                spin ? "notify-spin" : "notify-sleep",
                bytes,
                1,
                bytes,
                link,
                gigabytes / counted,
                rounds / counted,
                run.times.getValueAtPercentile(50) / 1e3,
                run.times.getValueAtPercentile(99) / 1e3,
                run.cpuNanos / 1e9 / gigabytes,
                run.cpuNanos / rounds,
                null,
                false,
                1,
                "",
                1,
                "",
                1);
    }

    /** One series of pings; after the first, only the wire's thread touches it. */
    private final class Pings {
        private final byte[] message;
        private final CountDownLatch done = new CountDownLatch(1);
        private final Histogram times = new Histogram(MAX_MICROS_RECORDED, 3);
        private final long countedFrom;
        private final long end;
        private long before;
        private long begin;
        private long countedNanos;
        private long cpuNanos;

        Pings(int bytes, double seconds) {
            message = new byte[bytes];
            before = System.nanoTime();
            countedFrom = before + (long) (seconds * 0.25e9);
            end = countedFrom + (long) (seconds * 1e9);
        }

        void pong() {
            long now = System.nanoTime();
            if (before >= countedFrom) {
                times.recordValue(Math.min(MAX_MICROS_RECORDED, now - before));
            } else if (now >= countedFrom) {
                cpuNanos = -PerfServer.cpuNanos();
                now = System.nanoTime();
                begin = now;
            }
            before = now;
            // However slow the machine, one round trip is counted.
            if (now < end || times.getTotalCount() == 0) {
                peer.notify(message);
            } else {
                countedNanos = now - begin;
                cpuNanos += PerfServer.cpuNanos();
                done.countDown();
            }
        }
    }

    @Override
    public void close() {
        node.close();
    }
}
