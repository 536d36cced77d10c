package io.kvwire.tck;

import io.kvwire.tck.fault.Fault;
import io.kvwire.tck.fault.FaultPlan;
import io.kvwire.transport.Access;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvCache;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.Peer;
import io.kvwire.transport.Transfer;
import io.kvwire.transport.TransferNode;
import io.kvwire.transport.TransferOutcome;

import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.UnaryOperator;

/** One round of {@link Soak}: two nodes, and threads that move blocks between them. */
final class SoakRound {
    private static final int WORKERS = 3;
    private static final int BLOCKS = 48;
    private static final long NANOS = 1_000_000_000;

    /** What faults may lead to; anything else is a mistake. */
    private static final Set<ErrorCode> EXPECTED =
            Set.of(
                    ErrorCode.LANE_LOST,
                    ErrorCode.PEER_LOST,
                    ErrorCode.DEADLINE_EXCEEDED,
                    ErrorCode.CORRUPT,
                    ErrorCode.RESOURCE_EXHAUSTED,
                    ErrorCode.LEASE_EXPIRED,
                    ErrorCode.CLOSED);

    /** One end: its node, memory, cache and the peer object of the other. */
    record Side(TransferNode node, GuardedCache memory, KvCache cache, Peer peer) {}

    /** Both ends as they are connected at one time. */
    record Ends(Side near, Side far) {}

    final Queue<Throwable> problems = new ConcurrentLinkedQueue<>();
    final AtomicLong requests = new AtomicLong();
    final LongAdder done = new LongAdder();
    final LongAdder cancelled = new LongAdder();
    final LongAdder verifiedBytes = new LongAdder();
    final LongAdder regionBytes = new LongAdder();
    final boolean checksums;
    private final Map<ErrorCode, LongAdder> failed = new EnumMap<>(ErrorCode.class);
    private final Rig rig;
    private final Random random;
    private final Map<GuardedCache, byte[]> guards = new LinkedHashMap<>();
    private final GuardedCache nearMemory;
    private final KvLayout farLayout;
    private final UnaryOperator<NodeConfig> setting;
    private FaultPlan plan;
    private TransferNode near;
    private TransferNode far;
    private Ends ends;
    private int reconnects;
    private int restarts;
    private volatile boolean over;

    private SoakRound(Rig rig, long seed) {
        this.rig = rig;
        random = new Random(seed);
        checksums = random.nextBoolean();
        boolean latent = random.nextInt(5) == 0;
        var model = Layouts.model(random, latent);
        nearMemory = memory(Layouts.one(random, model, latent));
        farLayout = Layouts.one(random, model, latent);
        int lanes = 1 + random.nextInt(4);
        int frame = 4096 << random.nextInt(5);
        setting =
                config ->
                        Settings.quickHeartbeats()
                                .andThen(
                                        Settings.limits(limits ->
                                                limits.withInFlight(64, 256, 256 << 10)
                                                        .withFramePayload(frame)))
                                .apply(config.withLanes(lanes));
        plan = plan();
    }

    private GuardedCache memory(KvLayout layout) {
        var placings = GuardedCache.Placing.values();
        var memory = rig.memory(layout, BLOCKS, placings[random.nextInt(placings.length)]);
        guards.put(memory, memory.guards());
        return memory;
    }

    private FaultPlan plan() {
        var drawn =
                FaultPlan.NONE
                        .withLongestDelay(Duration.ofMillis(1 + random.nextInt(10)))
                        .with(Fault.DELAY_FRAME, random.nextDouble() * 0.3)
                        .with(Fault.REPEAT_FRAME, random.nextDouble() * 0.1)
                        .with(Fault.DELAY_CONTROL, random.nextDouble() * 0.1)
                        .with(Fault.REPEAT_CONTROL, random.nextDouble() * 0.1)
                        .with(Fault.LOSE_LANE, sometimes(0.005))
                        .with(Fault.DROP_FRAME, sometimes(0.01))
                        .with(Fault.DROP_CONTROL, sometimes(0.01));
        return checksums ? drawn.with(Fault.CORRUPT_FRAME, sometimes(0.02)) : drawn;
    }

    private double sometimes(double most) {
        return random.nextInt(3) == 0 ? random.nextDouble() * most : 0;
    }

    /**
     * Runs a round of about a second, in which the far node may start anew.
     *
     * @param watchThreads whether no other round runs, so that threads that are left are its own
     */
    static Soak.Report run(WireUnderTest wire, long seed, boolean watchThreads) {
        try (var rig = new Rig(wire, seed, watchThreads)) {
            var round = new SoakRound(rig, seed);
            return round.run(seed, round::passAndRestart);
        }
    }

    /**
     * Runs a round whose nodes live until it is told to end, through faults that are drawn anew
     * every half second.
     */
    static Soak.Report last(WireUnderTest wire, long seed, BooleanSupplier ends) {
        try (var rig = new Rig(wire, seed, false)) {
            var round = new SoakRound(rig, seed);
            return round.run(
                    seed,
                    () -> {
                        while (!ends.getAsBoolean() && round.problems.isEmpty()) {
                            pause(NANOS / 2);
                            round.drawFaults();
                        }
                    });
        }
    }

    private synchronized void drawFaults() {
        plan = plan();
        rig.at(near).use(plan);
        rig.at(far).use(plan);
    }

    private void passAndRestart() {
        pause(NANOS / 2 + random.nextLong(NANOS / 2));
        if (random.nextInt(3) == 0) {
            restartFar();
            pause(NANOS / 2);
        }
    }

    private Soak.Report run(long seed, Runnable course) {
        near = rig.node("near", setting);
        far = rig.node("far", setting);
        var farMemory = memory(farLayout);
        var nearCache = Pair.register(near, nearMemory, Access.REMOTE_READ_WRITE);
        var farCache = Pair.register(far, farMemory, Access.REMOTE_READ_WRITE);
        var peer = rig.connect(near, far);
        ends =
                new Ends(
                        new Side(near, nearMemory, nearCache, peer),
                        new Side(far, farMemory, farCache, rig.peerAt(far, "near")));
        rig.at(near).use(plan);
        rig.at(far).use(plan);

        var workers = startWorkers(seed);
        course.run();
        over = true;
        workers.forEach(SoakRound::join);
        rig.injector().calm();
        guards.forEach(GuardedCache::assertGuards);
        return report();
    }

    private List<Thread> startWorkers(long seed) {
        var threads = new ArrayList<Thread>();
        for (int i = 0; i < WORKERS; i++) {
            var worker = new SoakWorker(this, new Random(seed + i));
            threads.add(Thread.ofPlatform().daemon().name("soak-" + i).start(worker));
        }
        return threads;
    }

    private static void pause(long nanos) {
        long end = System.nanoTime() + nanos;
        for (long left = nanos; left > 0; left = end - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }

    private static void join(Thread worker) {
        Waits.until("'" + worker.getName() + "' ends its last transfer", () -> !worker.isAlive());
    }

    boolean over() {
        return over || !problems.isEmpty();
    }

    /** The two ends, connected anew where the connection was lost. */
    synchronized Ends ends() {
        if (ends.near.peer.connected() && ends.far.peer.connected()) {
            return ends;
        }
        ends.near.peer.close();
        ends.far.peer.close();
        var peer = connectAgain();
        reconnects++;
        ends =
                new Ends(
                        new Side(near, nearMemory, ends.near.cache, peer),
                        new Side(far, ends.far.memory, ends.far.cache, rig.peerAt(far, "near")));
        return ends;
    }

    /** A handshake that lost a message would wait for its timeout: faults are for what follows. */
    private Peer connectAgain() {
        rig.at(near).use(FaultPlan.NONE);
        rig.at(far).use(FaultPlan.NONE);
        var peer = rig.connect(near, far);
        rig.at(near).use(plan);
        rig.at(far).use(plan);
        return peer;
    }

    /** The far node dies, or falls silent, and another starts at its address. */
    private synchronized void restartFar() {
        var address = far.address();
        if (random.nextBoolean()) {
            rig.at(far).kill();
        } else {
            rig.at(far).vanish();
        }
        far.close();
        Waits.get("the loss of the old node", ends.near.peer.closed());
        far = rig.node("far", config -> setting.apply(config.withListen(address)));
        var farMemory = memory(farLayout); // threads may still use what the old node had
        var cache = Pair.register(far, farMemory, Access.REMOTE_READ_WRITE);
        rig.at(far).use(plan);
        restarts++;
        reconnects++;
        ends =
                new Ends(
                        new Side(near, nearMemory, ends.near.cache, connectAgain()),
                        new Side(far, farMemory, cache, rig.peerAt(far, "near")));
    }

    /** Memory for bytes of no cache. */
    synchronized MemorySegment bytes(long count) {
        return rig.arena().allocate(count, 64);
    }

    /** Waits for a transfer, or gives it up after a moment; what ended it must be explained. */
    TransferOutcome finish(Transfer transfer, Random dice) {
        if (dice.nextInt(8) == 0) {
            LockSupport.parkNanos(dice.nextLong(3_000_000));
            transfer.cancel();
        }
        var outcome = Waits.outcome(transfer);
        Waits.quiet(transfer);
        count(outcome);
        if (outcome instanceof TransferOutcome.Failed failure) {
            expected(failure.code(), failure.toString());
        }
        return outcome;
    }

    static void expected(ErrorCode code, String what) {
        if (!EXPECTED.contains(code)) {
            throw new AssertionError("no fault explains " + what);
        }
    }

    private void count(TransferOutcome outcome) {
        switch (outcome) {
            case TransferOutcome.Done ignored -> done.increment();
            case TransferOutcome.Cancelled ignored -> cancelled.increment();
            case TransferOutcome.Failed failure -> {
                synchronized (failed) {
                    failed.computeIfAbsent(failure.code(), code -> new LongAdder()).increment();
                }
            }
        }
    }

    private Soak.Report report() {
        problems.stream()
                .findFirst()
                .ifPresent(first -> {
                    throw new AssertionError(first.getMessage(), first);
                });
        var faults = new EnumMap<Fault, Long>(Fault.class);
        for (var fault : Fault.values()) {
            faults.put(fault, rig.injector().count(fault));
        }
        var byCode = new EnumMap<ErrorCode, Long>(ErrorCode.class);
        failed.forEach((code, count) -> byCode.put(code, count.sum()));
        return new Soak.Report(
                1,
                done.sum(),
                cancelled.sum(),
                byCode,
                verifiedBytes.sum(),
                regionBytes.sum(),
                reconnects,
                restarts,
                faults);
    }
}
