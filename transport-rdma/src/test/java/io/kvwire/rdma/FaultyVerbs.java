package io.kvwire.rdma;

import io.kvwire.transport.spi.DataPathProvider;
import io.kvwire.transport.spi.DmaBuf;

import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

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
    private final OrderedFaults faults = new OrderedFaults();
    private final Queue<Receives> receiveQueues = new ConcurrentLinkedQueue<>();
    private final AtomicInteger refused = new AtomicInteger();

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
        return faults.injected();
    }

    /** {@return how many requests of this side a peer's device refused for their keys} */
    public int refused() {
        return refused.get();
    }

    /** From now on peers are told such keys. */
    public void tell(Key kind) {
        faults.key = kind;
    }

    /** Posts no receives, or posts those that were kept back. */
    public void withholdReceives(boolean on) {
        faults.withholding = on;
        if (!on) {
            receiveQueues.forEach(Receives::postKept);
        }
    }

    /** Has whoever posts a READ or a WRITE wait, until it is told otherwise. */
    public void stall(boolean on) {
        faults.stalling = on;
    }

    /** {@return the numbers of its queue pairs} */
    public List<Integer> queuePairs() {
        return faults.pairs.stream().map(FaultyQueuePair::number).toList();
    }

    /** Brings a queue pair to error behind the next READ or WRITE that it posts. */
    public void failQueuePair(int number) {
        faults.pairs.stream()
                .filter(pair -> pair.number() == number)
                .forEach(FaultyQueuePair::failInFlight);
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
            var range = new FaultyKeys.Range(address, bytes, access);
            return told ? new FaultyKeys(real, keys, range, faults) : keys;
        }

        @Override
        public MemoryKeys registerDmaBuf(DmaBuf buffer, long address, long bytes, int access) {
            return real.registerDmaBuf(buffer, address, bytes, access);
        }

        @Override
        public boolean bindsOnce() {
            return real.bindsOnce();
        }

        @Override
        public Window window() {
            return new FaultyWindow(real.window(), faults);
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
            var pair = new FaultyQueuePair(real.queuePair(port, queue, shared, spec), faults);
            faults.pairs.add(pair);
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

    private final class Receives implements ReceiveQueue {
        private record Kept(long id, long address, int bytes, int localKey) {}

        private final ReceiveQueue real;
        private final ArrayDeque<Kept> kept = new ArrayDeque<>();

        Receives(ReceiveQueue real) {
            this.real = real;
        }

        @Override
        public synchronized void post(long id, long address, int bytes, int localKey) {
            if (faults.withholding) {
                faults.inject();
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
}
