package io.kvwire.ffi.verbs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Optional;

/** Two queue pairs of one device, connected to each other, with memory at each. */
final class ConnectedPair implements AutoCloseable {

    static final int BYTES = 1 << 16;
    static final int ALL =
            AccessFlags.LOCAL_WRITE
                    | AccessFlags.REMOTE_WRITE
                    | AccessFlags.REMOTE_READ
                    | AccessFlags.WINDOW_BIND;

    private static final QueuePairCapacity CAPACITY = new QueuePairCapacity(64, 64, 4, 4, 64);
    private static final long DEADLINE_NANOS = Duration.ofSeconds(30).toNanos();

    final Arena arena = Arena.ofShared();
    final Context context;
    final ProtectionDomain domain;
    final CompletionChannel channel;
    final CompletionQueue sends;
    final CompletionQueue receives;
    final QueuePair near;
    final QueuePair far;
    final MemorySegment nearMemory;
    final MemorySegment farMemory;
    final MemoryRegion nearRegion;
    final MemoryRegion farRegion;
    final SendRequests requests;
    final ReceiveRequests toReceive;
    final Completions completions;

    /**
     * On the first device; the far end takes its receives from the shared queue, if one is made.
     */
    ConnectedPair(Context context) {
        this.context = context;
        domain = context.allocateProtectionDomain();
        channel = context.createCompletionChannel();
        sends = context.createCompletionQueue(128, channel, 0);
        receives = context.createCompletionQueue(128);
        near = domain.createQueuePair(sends, sends, Optional.empty(), CAPACITY);
        far = domain.createQueuePair(receives, receives, Optional.empty(), CAPACITY);
        nearMemory = arena.allocate(BYTES, 4096);
        farMemory = arena.allocate(BYTES, 4096);
        nearRegion = domain.register(nearMemory, ALL);
        farRegion = domain.register(farMemory, ALL);
        requests = SendRequests.allocate(arena, 32, 4);
        toReceive = ReceiveRequests.allocate(arena, 32, 4);
        completions = Completions.allocate(arena, 32);
        near.initialize(1, ALL);
        far.initialize(1, ALL);
        connect(near, far, context);
        connect(far, near, context);
    }

    static void connect(QueuePair from, QueuePair to, Context context) {
        var address = addressOf(context);
        from.connect(
                new QueuePairSettings(to.number(), to.number(), from.number())
                        .overGid(1, address.index(), address.gid())
                        .mtuBytes(context.port(1).activeMtuBytes())
                        .reads(4, 4)
                        .timeout(12, 1)
                        .notReady(1, 1));
    }

    static GidEntry addressOf(Context context) {
        return context.addresses().stream()
                .filter(e -> e.type() == GidEntry.Type.ROCE_V2 && e.gid().ipv4().isPresent())
                .findFirst()
                .orElseThrow();
    }

    /** Posts what is in the list of requests at the near end, and empties it. */
    void post() {
        assertEquals(0, near.post(requests));
        assertEquals(requests.count(), requests.accepted());
        requests.clear();
    }

    /** Waits for one completion at least. */
    int await(CompletionQueue queue) {
        long deadline = System.nanoTime() + DEADLINE_NANOS;
        while (System.nanoTime() < deadline) {
            int count = queue.poll(completions);
            if (count > 0) {
                return count;
            }
            Thread.onSpinWait();
        }
        return fail("no completion within " + Duration.ofNanos(DEADLINE_NANOS));
    }

    /** Waits for a single completion and returns how it ended. */
    CompletionStatus awaitStatus(CompletionQueue queue) {
        assertEquals(1, await(queue));
        return CompletionStatus.of(completions.status(0));
    }

    @Override
    public void close() {
        near.close();
        far.close();
        nearRegion.close();
        farRegion.close();
        sends.close();
        receives.close();
        channel.close();
        domain.close();
        context.close();
        arena.close();
    }
}
