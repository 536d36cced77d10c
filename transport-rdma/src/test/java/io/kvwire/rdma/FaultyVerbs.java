package io.kvwire.rdma;

import io.kvwire.transport.spi.DataPathProvider;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * The verbs of a device, with faults put between them and the wire. What is done, the device does:
 * only what it is told differs. Faults may be ordered by any thread.
 */
public final class FaultyVerbs implements Verbs {
    /** What a peer is told of memory that it is to read or write. */
    public enum Key {
        /** The truth. */
        RIGHT,
        /** A key that never was. */
        WRONG,
        /** A key that was good once. */
        STALE,
        /** A key to half of the memory. */
        SHORT,
        /** A key that allows less. */
        WEAK
    }

    /** {@code IBV_WC_REM_ACCESS_ERR}. */
    private static final int REMOTE_ACCESS_ERROR = 10;

    private final Verbs real;
    private final Set<Pair> pairs = ConcurrentHashMap.newKeySet();
    private final Queue<Receives> receiveQueues = new ConcurrentLinkedQueue<>();
    private final AtomicInteger refused = new AtomicInteger();
    private final AtomicInteger injected = new AtomicInteger();

    /** The keys that windows are bound to, by those that were told. */
    private final Map<Integer, Integer> trueKeys = new ConcurrentHashMap<>();

    private volatile Key key = Key.RIGHT;
    private volatile boolean withholding;
    private volatile boolean stalling;

    private FaultyVerbs(Verbs real) {
        this.real = real;
    }

    /** {@return those of libibverbs, without a fault yet} */
    public static FaultyVerbs panama() {
        return new FaultyVerbs(NativeVerbs.panama());
    }

    /** {@return the RDMA wire on them} */
    public DataPathProvider path() {
        return new RdmaDataPathProvider(List.of(this));
    }

    /** {@return how often a fault was put in so far} */
    public int injected() {
        return injected.get();
    }

    /** {@return how many requests of this side a peer's device refused for their keys} */
    public int refused() {
        return refused.get();
    }

    /** From now on peers are told such keys. */
    public void tell(Key kind) {
        key = kind;
    }

    /** Posts no receives, or posts those that were kept back. */
    public void withholdReceives(boolean on) {
        withholding = on;
        if (!on) {
            receiveQueues.forEach(Receives::postKept);
        }
    }

    /** Has whoever posts a READ or a WRITE wait, until it is told otherwise. */
    public void stall(boolean on) {
        stalling = on;
    }

    /** {@return the numbers of its queue pairs} */
    public List<Integer> queuePairs() {
        return pairs.stream().map(Pair::number).toList();
    }

    /** Brings a queue pair to error. */
    public void failQueuePair(int number) {
        pairs.stream()
                .filter(pair -> pair.number() == number)
                .forEach(pair -> {
                    injected.incrementAndGet();
                    pair.real.error();
                });
    }

    @Override
    public String name() {
        return real.name();
    }

    @Override
    public Optional<String> unavailable() {
        return real.unavailable();
    }

    @Override
    public Optional<String> unmanageable() {
        return real.unmanageable();
    }

    @Override
    public List<VerbsPort> ports() {
        return real.ports();
    }

    @Override
    public VerbsDevice open(String device) {
        return new FaultyDevice(real.open(device));
    }

    private final class FaultyDevice implements VerbsDevice {
        private final VerbsDevice real;

        FaultyDevice(VerbsDevice real) {
            this.real = real;
        }

        @Override
        public DeviceLimits limits() {
            return real.limits();
        }

        @Override
        public MemoryKeys register(long address, long bytes, int access) {
            boolean told = (access & (MemoryAccess.REMOTE_READ | MemoryAccess.REMOTE_WRITE)) != 0;
            var keys = real.register(address, bytes, access);
            return told ? new Keys(real, keys, new Range(address, bytes, access)) : keys;
        }

        @Override
        public Window window() {
            return new FaultyWindow(real.window());
        }

        @Override
        public CompletionQueue completionQueue(int depth) {
            return new CompletionsCounted(real.completionQueue(depth));
        }

        @Override
        public ReceiveQueue receiveQueue(int depth) {
            var queue = new Receives(real.receiveQueue(depth));
            receiveQueues.add(queue);
            return queue;
        }

        @Override
        public QueuePair queuePair(
                VerbsPort port,
                CompletionQueue completions,
                ReceiveQueue receives,
                QueueSpec spec) {
            var queue = ((CompletionsCounted) completions).real;
            var shared = ((Receives) receives).real;
            var pair = new Pair(real.queuePair(port, queue, shared, spec));
            pairs.add(pair);
            return pair;
        }

        @Override
        public void close() {
            real.close();
        }
    }

    /** Counts the requests that the peer's device refused. */
    private final class CompletionsCounted implements CompletionQueue {
        private final CompletionQueue real;

        CompletionsCounted(CompletionQueue real) {
            this.real = real;
        }

        @Override
        public int poll(Completions into) {
            int count = real.poll(into);
            for (int i = 0; i < count; i++) {
                if (into.status[i] == REMOTE_ACCESS_ERROR) {
                    refused.incrementAndGet();
                }
            }
            return count;
        }

        @Override
        public void arm() {
            real.arm();
        }

        @Override
        public void await(long nanos) {
            real.await(nanos);
        }

        @Override
        public void wake() {
            real.wake();
        }

        @Override
        public void close() {
            real.close();
        }
    }

    private static int weaker(int access) {
        return access & ~MemoryAccess.REMOTE_WRITE & ~MemoryAccess.REMOTE_READ;
    }

    private record Range(long address, long bytes, int access) {}

    /** A registration whose own key peers are told. */
    private final class Keys implements MemoryKeys {
        private final VerbsDevice device;
        private final MemoryKeys real;
        private final Range range;
        private final List<MemoryKeys> others = new ArrayList<>();

        Keys(VerbsDevice device, MemoryKeys real, Range range) {
            this.device = device;
            this.real = real;
            this.range = range;
        }

        @Override
        public int localKey() {
            return real.localKey();
        }

        @Override
        public int remoteKey() {
            var told = key;
            if (told != Key.RIGHT) {
                injected.incrementAndGet();
            }
            return switch (told) {
                case RIGHT -> real.remoteKey();
                case WRONG -> ~real.remoteKey();
                case STALE -> {
                    try (var gone = device.register(range.address, range.bytes, range.access)) {
                        yield gone.remoteKey();
                    }
                }
                case SHORT -> other(range.bytes / 2, range.access);
                case WEAK -> other(range.bytes, weaker(range.access));
            };
        }

        private synchronized int other(long bytes, int access) {
            others.add(device.register(range.address, bytes, access));
            return others.getLast().remoteKey();
        }

        @Override
        public synchronized void close() {
            others.forEach(MemoryKeys::close);
            real.close();
        }
    }

    private final class FaultyWindow implements Window {
        private final Window real;
        private int bound;

        FaultyWindow(Window real) {
            this.real = real;
        }

        /** {@return the key that the peer is told} */
        @Override
        public int nextKey() {
            int before = bound;
            bound = real.nextKey();
            int told =
                    switch (key) {
                        case WRONG -> ~bound;
                        case STALE -> before == 0 ? ~bound : before;
                        default -> bound;
                    };
            trueKeys.put(told, bound);
            return told;
        }

        @Override
        public void close() {
            real.close();
        }
    }

    private final class Receives implements ReceiveQueue {
        private record Kept(long id, long address, int bytes, int localKey) {}

        private final ReceiveQueue real;
        private final ArrayDeque<Kept> kept = new ArrayDeque<>();

        Receives(ReceiveQueue real) {
            this.real = real;
        }

        @Override
        public synchronized void post(long id, long address, int bytes, int localKey) {
            if (withholding) {
                injected.incrementAndGet();
                kept.add(new Kept(id, address, bytes, localKey));
            } else {
                real.post(id, address, bytes, localKey);
            }
        }

        private synchronized void postKept() {
            for (var each = kept.poll(); each != null; each = kept.poll()) {
                real.post(each.id, each.address, each.bytes, each.localKey);
            }
        }

        @Override
        public void close() {
            receiveQueues.remove(this);
            real.close();
        }
    }

    private final class Pair implements QueuePair {
        private final QueuePair real;
        private boolean oneSided;

        Pair(QueuePair real) {
            this.real = real;
        }

        @Override
        public int number() {
            return real.number();
        }

        @Override
        public int inlineBytes() {
            return real.inlineBytes();
        }

        @Override
        public boolean immediates() {
            return real.immediates();
        }

        @Override
        public void connect(RemoteEnd remote) {
            real.connect(remote);
        }

        @Override
        public int listen() {
            return real.listen();
        }

        @Override
        public void accept(RemoteEnd remote, long secret, long deadlineNanos) {
            real.accept(remote, secret, deadlineNanos);
        }

        @Override
        public void connect(RemoteEnd remote, long secret, long deadlineNanos) {
            real.connect(remote, secret, deadlineNanos);
        }

        @Override
        public void add(int opcode, int flags, long id) {
            oneSided |= opcode == READ || opcode == WRITE || opcode == WRITE_WITH_IMMEDIATE;
            real.add(opcode, flags, id);
        }

        @Override
        public void remote(long address, int remoteKey) {
            real.remote(address, remoteKey);
        }

        @Override
        public void immediate(int value) {
            real.immediate(value);
        }

        @Override
        public void invalidating(int shownKey) {
            real.invalidating(trueKeys.getOrDefault(shownKey, shownKey));
        }

        @Override
        public void binding(Window bound, int shownKey) {
            var window = (FaultyWindow) bound;
            if (key != Key.RIGHT) {
                injected.incrementAndGet();
            }
            real.binding(window.real, window.bound);
        }

        @Override
        public void showing(MemoryKeys registration, long start, long bytes, int access) {
            long shown = key == Key.SHORT ? bytes / 2 : bytes;
            real.showing(registration, start, shown, key == Key.WEAK ? weaker(access) : access);
        }

        @Override
        public void gather(long address, int bytes, int localKey) {
            real.gather(address, bytes, localKey);
        }

        @Override
        public int room() {
            return real.room();
        }

        @Override
        public void post() {
            if (oneSided && stalling) {
                injected.incrementAndGet();
                while (stalling) {
                    LockSupport.parkNanos(1_000_000);
                }
            }
            oneSided = false;
            real.post();
        }

        @Override
        public boolean mayTakeReceives() {
            return real.mayTakeReceives();
        }

        @Override
        public void error() {
            real.error();
        }

        @Override
        public void close() {
            pairs.remove(this);
            real.close();
        }
    }
}
