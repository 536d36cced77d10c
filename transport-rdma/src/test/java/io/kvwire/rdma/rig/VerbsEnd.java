package io.kvwire.rdma.rig;

import io.kvwire.ffi.verbs.AccessFlags;
import io.kvwire.ffi.verbs.CompletionQueue;
import io.kvwire.ffi.verbs.CompletionStatus;
import io.kvwire.ffi.verbs.Completions;
import io.kvwire.ffi.verbs.Context;
import io.kvwire.ffi.verbs.Gid;
import io.kvwire.ffi.verbs.GidEntry;
import io.kvwire.ffi.verbs.MemoryRegion;
import io.kvwire.ffi.verbs.ProtectionDomain;
import io.kvwire.ffi.verbs.QueuePair;
import io.kvwire.ffi.verbs.QueuePairCapacity;
import io.kvwire.ffi.verbs.QueuePairSettings;
import io.kvwire.ffi.verbs.ReceiveRequests;
import io.kvwire.ffi.verbs.SendRequests;
import io.kvwire.ffi.verbs.VerbsLibrary;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;

/** A queue pair with one registered memory, bare of what the library does with it. */
final class VerbsEnd implements AutoCloseable {
    static final int BYTES = 4 << 20;
    private static final int ALL =
            AccessFlags.LOCAL_WRITE | AccessFlags.REMOTE_WRITE | AccessFlags.REMOTE_READ;
    private static final int DEPTH = 64;
    private static final long PATIENCE_NANOS = 90_000_000_000L;

    /** What the other end must know. */
    record Address(int number, Gid gid, long start, int key) {
        static Address parse(String text) {
            var words = List.of(text.split(" ", -1));
            return new Address(
                    Integer.parseInt(words.get(0)),
                    Gid.of(HexFormat.of().parseHex(words.get(1))),
                    Long.parseLong(words.get(2)),
                    Integer.parseInt(words.get(3)));
        }

        String text() {
            return number + " " + HexFormat.of().formatHex(gid.bytes()) + " " + start + " " + key;
        }
    }

    private final Arena arena = Arena.ofShared();
    private final Context context;
    private final ProtectionDomain domain;
    private final CompletionQueue queue;
    private final QueuePair pair;
    private final MemorySegment memory = arena.allocate(BYTES, 4096);
    private final SendRequests requests = SendRequests.allocate(arena, DEPTH, 1);
    private final ReceiveRequests receives = ReceiveRequests.allocate(arena, 1, 1);
    private final Completions completions = Completions.allocate(arena, DEPTH);
    private MemoryRegion region;

    VerbsEnd() {
        var device = VerbsLibrary.devices().getFirst();
        context = VerbsLibrary.open(device, device.callMode());
        domain = context.allocateProtectionDomain();
        queue = context.createCompletionQueue(2 * DEPTH);
        pair =
                domain.createQueuePair(
                        queue,
                        queue,
                        Optional.empty(),
                        new QueuePairCapacity(DEPTH, DEPTH, 1, 1, 0));
        region = domain.register(memory, ALL);
        pair.initialize(1, ALL);
    }

    private GidEntry ownAddress() {
        return context.addresses().stream()
                .filter(entry -> entry.type() == GidEntry.Type.ROCE_V2)
                .filter(entry -> entry.gid().ipv4().isPresent())
                .findFirst()
                .orElseThrow();
    }

    Address address() {
        return new Address(pair.number(), ownAddress().gid(), memory.address(), region.remoteKey());
    }

    /**
     * Connects.
     *
     * @param retries how often a request is sent again that brings no progress within some 70
     *     milliseconds; 7 is for ever, to rxe
     * @param notReadyRetries how often to ask again where no receive is posted; 7 for ever
     */
    void connect(Address other, int retries, int notReadyRetries) {
        pair.connect(
                new QueuePairSettings(other.number, other.number, pair.number())
                        .overGid(1, ownAddress().index(), other.gid)
                        .mtuBytes(context.port(1).activeMtuBytes())
                        .reads(16, 16)
                        .timeout(14, retries)
                        .notReady(12, notReadyRetries));
    }

    void fill(long seed) {
        var bytes = new byte[BYTES];
        new Random(seed).nextBytes(bytes);
        MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, BYTES);
    }

    /** {@return where the memory first differs from what {@link #fill} makes; -1 for nowhere} */
    long differs(long seed) {
        var bytes = new byte[BYTES];
        new Random(seed).nextBytes(bytes);
        return memory.mismatch(MemorySegment.ofArray(bytes));
    }

    /** Registers the memory anew, with other rights; the old key is stale afterwards. */
    void register(int access) {
        region.close();
        region = domain.register(memory, access);
    }

    void postReceive() {
        receives.clear();
        receives.add(0);
        receives.addSegment(memory.address(), BYTES, region.localKey());
        posted(pair.post(receives));
    }

    void write(long id, Address to, long offset, int bytes) {
        requests.clear();
        requests.addWrite(id, SendRequests.SIGNALED, to.start + offset, to.key);
        requests.addSegment(memory.address() + offset % BYTES, bytes, region.localKey());
        posted(pair.post(requests));
    }

    void read(long id, Address from, long offset, int bytes) {
        requests.clear();
        requests.addRead(id, SendRequests.SIGNALED, from.start + offset, from.key);
        requests.addSegment(memory.address() + offset, bytes, region.localKey());
        posted(pair.post(requests));
    }

    void send(long id, int bytes) {
        requests.clear();
        requests.addSend(id, SendRequests.SIGNALED);
        requests.addSegment(memory.address(), bytes, region.localKey());
        posted(pair.post(requests));
    }

    private static void posted(int status) {
        if (status != 0) {
            throw new AssertionError("post failed with errno " + status);
        }
    }

    void toError() {
        pair.toError();
    }

    /** {@return the ends of so many requests, in their order} */
    List<CompletionStatus> await(int count) {
        var statuses = new ArrayList<CompletionStatus>();
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (statuses.size() < count) {
            int some = queue.poll(completions);
            for (int i = 0; i < some; i++) {
                statuses.add(CompletionStatus.of(completions.status(i)));
            }
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("of " + count + " requests have ended: " + statuses);
            }
            if (some == 0) {
                LockSupport.parkNanos(200_000);
            }
        }
        return statuses;
    }

    /** {@return how many requests have ended beyond those awaited} */
    int more() {
        return queue.poll(completions);
    }

    @Override
    public void close() {
        pair.close();
        region.close();
        queue.close();
        domain.close();
        context.close();
        arena.close();
    }
}
