package io.kvwire.rdma;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DataPathProvider;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/**
 * An RDMA network in one process, with what Soft-RoCE cannot show: completion queues that overrun,
 * bytes that land late and in any order, completions that come late, lanes that break between two
 * packets. Every step is one random choice of what may happen next, drawn from a seed.
 *
 * <p>Either {@link #step} is called by the test, or a thread does it for as long as the fabric is
 * open.
 */
final class SimFabric implements AutoCloseable {
    /** What the network may do, each a chance for one step. */
    record Weather(double lateCompletion, double lateBytes) {
        static final Weather FAIR = new Weather(0, 0);
        static final Weather ROUGH = new Weather(0.3, 0.5);
    }

    private static final int FRAGMENT_BYTES = 4096;

    final ReentrantLock lock = new ReentrantLock();
    final Condition changedConnection = lock.newCondition();
    private final Condition changed = lock.newCondition();
    private final Random random;
    private final Weather weather;
    private final Map<Integer, SimQueuePair> pairs = new HashMap<>();
    private final List<SimQueuePair> busy = new ArrayList<>();
    private final Map<Integer, SimKeys> keys = new HashMap<>();
    private final List<SimVerbs> hosts = new ArrayList<>();
    private boolean immediates = true;
    private int queueRoom = Integer.MAX_VALUE;
    private boolean holding;
    private boolean shuffling;
    private boolean forgetting;
    private int shuffled;
    private int nextNumber = 17;
    private int nextKey = 1000;
    private boolean closed;
    private Thread thread;

    SimFabric(long seed, Weather weather) {
        random = new Random(seed);
        this.weather = weather;
    }

    /** Its devices have no immediates. */
    SimFabric withoutImmediates() {
        immediates = false;
        return this;
    }

    /** Its completion queues hold fewer completions than they promise. */
    SimFabric withQueueRoom(int completions) {
        queueRoom = completions;
        return this;
    }

    /** Its queue pairs report what is flushed in any order. */
    SimFabric withShuffledFlushes() {
        shuffling = true;
        return this;
    }

    /**
     * Its queue pairs take their completions with them when they are destroyed, and may hold a
     * receive for half a message when they fail, as they tell.
     */
    SimFabric withForgettingQueuePairs() {
        forgetting = true;
        return this;
    }

    boolean forgets() {
        return forgetting;
    }

    boolean shuffles() {
        return shuffling;
    }

    /** {@return how many flushed requests were reported in any order} */
    int shuffled() {
        return shuffled;
    }

    void countShuffled() {
        shuffled++;
    }

    int queueRoom() {
        return queueRoom;
    }

    /** Keeps completions back, or lets them through again. */
    void hold(boolean held) {
        lock.lock();
        try {
            holding = held;
            pairs.values().forEach(this::busy);
        } finally {
            lock.unlock();
        }
    }

    boolean holding() {
        return holding;
    }

    /** Carries everything out as it comes, until the fabric is closed. */
    SimFabric start() {
        thread = Thread.ofPlatform().daemon().name("sim-fabric").start(this::run);
        return this;
    }

    /** {@return the rdma wire of a new host with devices of one port each} */
    DataPathProvider host(int devices) {
        return new RdmaDataPathProvider(List.of(verbs(devices)));
    }

    SimVerbs verbs(int devices) {
        lock.lock();
        try {
            var host = new SimVerbs(this, hosts.size(), devices);
            host.immediates = immediates;
            hosts.add(host);
            return host;
        } finally {
            lock.unlock();
        }
    }

    private void run() {
        lock.lock();
        try {
            while (!closed) {
                if (!step()) {
                    changed.awaitUninterruptibly();
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /** Something may happen now. */
    void signal() {
        changed.signalAll();
    }

    void busy(SimQueuePair pair) {
        if (!busy.contains(pair)) {
            busy.add(pair);
        }
        signal();
    }

    /** {@return whether anything happened} */
    boolean step() {
        lock.lock();
        try {
            while (!busy.isEmpty()) {
                var pair = busy.get(random.nextInt(busy.size()));
                if (pair.step(random, weather)) {
                    return true;
                }
                busy.remove(pair);
            }
            return false;
        } finally {
            lock.unlock();
        }
    }

    /** Waits for a change of connections; called with the lock. */
    void awaitConnection(BooleanSupplier done, long deadlineNanos) {
        while (!done.getAsBoolean()) {
            long left = deadlineNanos - System.nanoTime();
            try {
                if (left <= 0 || changedConnection.awaitNanos(left) <= 0) {
                    throw new TransferException(ErrorCode.UNREACHABLE, "not connected in time");
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new TransferException(ErrorCode.CLOSED, "interrupted");
            }
        }
    }

    int add(SimQueuePair pair) {
        int number = nextNumber++;
        pairs.put(number, pair);
        return number;
    }

    void remove(SimQueuePair pair) {
        pairs.remove(pair.number());
        busy.remove(pair);
    }

    SimQueuePair pair(int number) {
        return pairs.get(number);
    }

    SimKeys register(long address, long bytes, int access, SimDevice device) {
        lock.lock();
        try {
            var made =
                    new SimKeys(
                            this,
                            device,
                            nextKey++,
                            address,
                            bytes,
                            access,
                            SimKeys.ANY,
                            Optional.empty());
            keys.put(made.localKey(), made);
            return made;
        } finally {
            lock.unlock();
        }
    }

    /** Called with the lock, as the next two. */
    int nextKey() {
        return nextKey++;
    }

    boolean has(SimKeys made) {
        return made.equals(keys.get(made.localKey()));
    }

    /** {@return whether a window could be bound} */
    boolean bind(SimWindow window, SimKeys shown) {
        boolean right =
                has(shown.shows().orElseThrow())
                        && shown.shows().get().covers(shown.address(), shown.bytes())
                        && (shown.shows().get().access() & MemoryAccess.WINDOW_BIND) != 0
                        && window.bind(shown);
        if (right) {
            keys.put(shown.localKey(), shown);
        }
        return right;
    }

    /** {@return whether there was such a key of a window} */
    boolean invalidate(int key) {
        var found = keys.get(key);
        return found != null && found.shows().isPresent() && keys.remove(key, found);
    }

    void deregister(SimKeys made) {
        lock.lock();
        try {
            if (keys.values().stream().anyMatch(any -> any.shows().equals(Optional.of(made)))) {
                throw new AssertionError("memory is deregistered while a window shows it");
            }
            keys.remove(made.localKey(), made);
        } finally {
            lock.unlock();
        }
    }

    /** {@return whether a key of a device grants an access to a range, on a queue pair} */
    boolean grants(SimQueuePair pair, int key, long address, long bytes, int access) {
        var found = keys.get(key);
        return found != null
                && found.device().equals(pair.device())
                && (found.queuePair() == SimKeys.ANY || found.queuePair() == pair.number())
                && found.covers(address, bytes)
                && (found.access() & access) == access;
    }

    /** {@return what windows show now} */
    int shown() {
        lock.lock();
        try {
            return (int) keys.values().stream().filter(key -> key.shows().isPresent()).count();
        } finally {
            lock.unlock();
        }
    }

    int registrations() {
        lock.lock();
        try {
            return keys.size();
        } finally {
            lock.unlock();
        }
    }

    /** {@return registrations of memory of devices} */
    int gpuRegistrations() {
        lock.lock();
        try {
            return (int)
                    keys.values().stream()
                            .filter(key -> key.shows().isEmpty() && SimGpu.has(key.address()))
                            .count();
        } finally {
            lock.unlock();
        }
    }

    int queuePairs() {
        lock.lock();
        try {
            return pairs.size();
        } finally {
            lock.unlock();
        }
    }

    List<SimQueuePair> all() {
        lock.lock();
        try {
            return List.copyOf(pairs.values());
        } finally {
            lock.unlock();
        }
    }

    @SuppressWarnings("restricted") // a device reaches memory by its address
    static MemorySegment at(long address, long bytes) {
        return SimGpu.has(address)
                ? SimGpu.at(address, bytes)
                : MemorySegment.ofAddress(address).reinterpret(bytes);
    }

    static int fragmentBytes() {
        return FRAGMENT_BYTES;
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            signal();
        } finally {
            lock.unlock();
        }
        if (thread != null) {
            try {
                thread.join(TimeUnit.SECONDS.toMillis(10));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
