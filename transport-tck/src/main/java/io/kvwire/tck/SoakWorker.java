package io.kvwire.tck;

import io.kvwire.transport.BlockTable;
import io.kvwire.transport.BlockTransfer;
import io.kvwire.transport.KvReception;
import io.kvwire.transport.KvStream;
import io.kvwire.transport.Transfer;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferOptions;
import io.kvwire.transport.TransferOutcome;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;

/** One thread of a {@link SoakRound}: one random transfer after the other, each checked. */
final class SoakWorker implements Runnable {
    private static final int MAX_TOKENS = 400;
    static final Duration LONGEST_DEADLINE = Duration.ofMillis(1500);
    private static final byte CANARY = (byte) 0xC5;

    private final SoakRound round;
    private final Random random;
    private final SoakRegions regions;

    /** One transfer: who asks whom, which blocks, which tokens. */
    private record Job(
            SoakRound.Side here,
            SoakRound.Side there,
            BlockTable localTable,
            BlockTable remoteTable,
            long request,
            int firstToken,
            int tokens) {}

    SoakWorker(SoakRound round, Random random) {
        this.round = round;
        this.random = random;
        regions = new SoakRegions(round, random);
    }

    @Override
    public void run() {
        try {
            while (!round.over()) {
                step();
            }
        } catch (AssertionError | RuntimeException e) {
            round.problems.add(e);
        }
    }

    private void step() {
        var ends = round.ends();
        boolean turned = random.nextInt(4) == 0;
        var here = turned ? ends.far() : ends.near();
        var there = turned ? ends.near() : ends.far();
        if (random.nextInt(5) == 0) {
            moveBytes(here, there);
            return;
        }
        int first = random.nextInt(4) == 0 ? random.nextInt(100) : 0;
        int tokens = random.nextInt(MAX_TOKENS);
        var local = here.cache().allocate(here.cache().layout().blocksFor(first + tokens));
        var remote = there.cache().allocate(there.cache().layout().blocksFor(first + tokens));
        if (local.isPresent() && remote.isPresent()) {
            var job =
                    new Job(
                            here,
                            there,
                            local.get(),
                            remote.get(),
                            round.requests.incrementAndGet(),
                            first,
                            tokens);
            transfer(job);
        }
        local.ifPresent(table -> giveBack(here, table));
        remote.ifPresent(table -> giveBack(there, table));
    }

    /** Takes blocks back; from then on they are the owner's, and what it writes there stays. */
    private void giveBack(SoakRound.Side side, BlockTable table) {
        Waits.get("blocks that were taken back are free", side.cache().retire(table));
        if (random.nextInt(4) == 0) {
            stayUntouched(side);
        }
    }

    /** Holds fresh blocks for a moment without giving them to anybody. */
    private void stayUntouched(SoakRound.Side side) {
        var table = side.cache().allocate(1 + random.nextInt(4));
        if (table.isEmpty()) {
            return;
        }
        int[] ids = table.get().ids();
        for (int id : ids) {
            side.memory().fill(id, CANARY);
        }
        LockSupport.parkNanos(random.nextLong(3_000_000));
        for (int id : ids) {
            side.memory().assertFilled(id, CANARY);
        }
        Waits.get("untouched blocks are free", side.cache().retire(table.get()));
    }

    private void moveBytes(SoakRound.Side here, SoakRound.Side there) {
        try {
            regions.move(here, there, options());
        } catch (TransferException e) {
            SoakRound.expected(e.code(), e + " for a region");
        }
    }

    private void transfer(Job job) {
        var remote = job.there.memory().layout();
        var announced = job.here.peer().cache(Pair.CACHE);
        if (announced.isEmpty()) {
            return; // the connection was lost meanwhile
        }
        var what =
                new BlockTransfer(
                        job.request,
                        job.here.cache(),
                        job.localTable,
                        announced.get(),
                        job.remoteTable,
                        job.firstToken,
                        job.tokens,
                        0);
        var options = options();
        try {
            switch (random.nextInt(4)) {
                case 0 -> write(job, what, options);
                case 1 -> stream(job, what, options);
                case 2 -> read(job, what, options);
                default -> readUnderLease(job, what, options);
            }
        } catch (TransferException e) {
            SoakRound.expected(e.code(), e + " for " + remote.describe());
        }
    }

    private TransferOptions options() {
        return TransferOptions.DEFAULT.withChecksum(round.checksums).withDeadline(deadline());
    }

    private Duration deadline() {
        return random.nextInt(10) == 0
                ? Duration.ofNanos(1 + random.nextLong(5_000_000))
                : LONGEST_DEADLINE;
    }

    private void write(Job job, BlockTransfer what, TransferOptions options) {
        fill(job.here, job.localTable);
        var notifying = options.withNotification(new byte[random.nextInt(100)]);
        finish(job, job.here.peer().write(what, notifying), true);
    }

    private void read(Job job, BlockTransfer what, TransferOptions options) {
        fill(job.there, job.remoteTable);
        finish(job, job.here.peer().read(what, options), false);
    }

    private void readUnderLease(Job job, BlockTransfer what, TransferOptions options) {
        long timeToLiveNanos = 1 + random.nextLong(2 * LONGEST_DEADLINE.toNanos());
        try (var lease = job.there.cache().lease(job.request, job.remoteTable, timeToLiveNanos)) {
            read(job, what.underLease(lease.id()), options);
        }
    }

    private void stream(Job job, BlockTransfer what, TransferOptions options) {
        fill(job.here, job.localTable);
        try (var reception =
                        job.there
                                .node()
                                .expect(
                                        job.request,
                                        job.there.cache(),
                                        job.remoteTable,
                                        job.firstToken,
                                        job.tokens);
                var stream = job.here.peer().stream(what, options)) {
            handOver(job, stream);
            var outcome = finish(job, stream.transfer(), true);
            settle(reception, outcome);
        }
    }

    private void handOver(Job job, KvStream stream) {
        var layers = new ArrayList<Integer>();
        for (int i = 0; i < job.here.memory().layout().layers(); i++) {
            layers.add(i);
        }
        Collections.shuffle(layers, random);
        for (int layer : layers) {
            int half = job.tokens == 0 ? 0 : random.nextInt(job.tokens);
            stream.ready(layer, job.firstToken + half, job.tokens - half);
            stream.ready(layer, job.firstToken, half);
        }
    }

    private static void settle(KvReception reception, TransferOutcome outcome) {
        if (outcome.done()) {
            Waits.get("the reception of a stream that is DONE", reception.completion());
        }
    }

    private void fill(SoakRound.Side source, BlockTable table) {
        for (int id : table.ids()) {
            source.memory().scribble(id, random);
        }
    }

    private TransferOutcome finish(Job job, Transfer transfer, boolean write) {
        var outcome = round.finish(transfer, random);
        if (outcome.done()) {
            verify(job, write);
        }
        return outcome;
    }

    private void verify(Job job, boolean write) {
        var source = (write ? job.here : job.there).memory();
        int[] sourceIds = (write ? job.localTable : job.remoteTable).ids();
        int[] targetIds = (write ? job.remoteTable : job.localTable).ids();
        var memory = (write ? job.there : job.here).memory();
        for (int layer = 0; layer < memory.layout().layers(); layer++) {
            var part = memory.common(source, layer, job.firstToken, job.tokens);
            memory.assertEqual(targetIds, source, sourceIds, part);
        }
        round.verifiedBytes.add(
                memory.layout().tokenBytes() * memory.layout().layers() * job.tokens);
    }
}
