package io.kvwire.rdma;

import io.kvwire.ffi.verbs.AccessFlags;
import io.kvwire.ffi.verbs.Context;
import io.kvwire.ffi.verbs.MemoryRegion;
import io.kvwire.ffi.verbs.MemoryWindow;
import io.kvwire.ffi.verbs.ProtectionDomain;
import io.kvwire.ffi.verbs.QueuePairCapacity;
import io.kvwire.ffi.verbs.ReceiveRequests;
import io.kvwire.ffi.verbs.SharedReceiveQueue;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DmaBuf;

import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/** An open device of {@link NativeVerbs}, and its protection domain. */
final class NativeDevice implements VerbsDevice {
    private static final System.Logger LOG = System.getLogger("io.kvwire.rdma");

    private final Context context;
    private final ProtectionDomain domain;
    private final boolean tellsLastReceive;

    /** Queue pairs in error for which the device takes no more receives. */
    private final Set<Integer> receivesOver = new HashSet<>();

    NativeDevice(Context context) {
        this.context = context;
        ProtectionDomain made;
        try {
            made = context.allocateProtectionDomain();
        } catch (TransferException e) {
            context.close();
            throw e;
        }
        domain = made;
        tellsLastReceive = context.device().tellsLastReceive();
    }

    @Override
    public DeviceLimits limits() {
        var limits = context.attributes().limits();
        return new DeviceLimits(
                limits.queuedRequests(),
                limits.segments(),
                limits.queueEntries(),
                limits.sharedRequests(),
                Math.min(limits.readsServed(), limits.readsIssued()),
                context.attributes().hasType2Windows() ? limits.windows() : 0);
    }

    @Override
    public boolean bindsOnce() {
        return context.device().bindsOnce();
    }

    @Override
    public Window window() {
        return new NativeWindow(domain.allocateWindow());
    }

    /** {@return whether the device may still take receives for a queue pair in error} */
    synchronized boolean mayTakeReceives(int queuePair) {
        if (!tellsLastReceive) {
            return false;
        }
        for (var event = context.nextEvent(0); event.isPresent(); event = context.nextEvent(0)) {
            switch (event.get().type()) {
                case QP_LAST_REQUEST_REACHED -> receivesOver.add(event.get().element());
                case COMMUNICATION_ESTABLISHED, SEND_QUEUE_DRAINED -> {}
                default -> LOG.log(Level.INFO, context.device().name() + ": " + event.get());
            }
        }
        return !receivesOver.remove(queuePair);
    }

    /** The queue pair is destroyed, and its number may be given to another. */
    synchronized void forget(int queuePair) {
        receivesOver.remove(queuePair);
    }

    static MemoryWindow binding(Window made, int key) {
        return ((NativeWindow) made).binding(key);
    }

    static MemoryRegion region(MemoryKeys made) {
        return ((Keys) made).region;
    }

    @Override
    public MemoryKeys register(long address, long bytes, int access) {
        return new Keys(domain.registerAddress(address, bytes, access));
    }

    @Override
    public MemoryKeys registerDmaBuf(DmaBuf buffer, long address, long bytes, int access) {
        return new Keys(
                domain.registerDmaBuf(
                        buffer.descriptor(), buffer.offset(), bytes, address, access));
    }

    @Override
    public CompletionQueue completionQueue(int depth) {
        return new NativeCompletionQueue(context, depth);
    }

    @Override
    public ReceiveQueue receiveQueue(int depth) {
        return new Receives(domain.createSharedReceiveQueue(depth, 1));
    }

    @Override
    public QueuePair queuePair(
            VerbsPort port, CompletionQueue completions, ReceiveQueue receives, QueueSpec spec) {
        var queue = ((NativeCompletionQueue) completions).queue();
        var pair =
                domain.createQueuePair(
                        queue,
                        queue,
                        Optional.of(((Receives) receives).queue),
                        new QueuePairCapacity(
                                spec.depth(), 0, spec.gathers(), 0, spec.inlineBytes()));
        try {
            pair.initialize(
                    port.number(),
                    AccessFlags.LOCAL_WRITE | AccessFlags.REMOTE_WRITE | AccessFlags.REMOTE_READ);
        } catch (TransferException e) {
            pair.close();
            throw e;
        }
        return new NativeQueuePair(this, pair, port, spec);
    }

    @Override
    public void close() {
        domain.close();
        context.close();
    }

    private record Keys(MemoryRegion region) implements MemoryKeys {
        @Override
        public int localKey() {
            return region.localKey();
        }

        @Override
        public int remoteKey() {
            return region.remoteKey();
        }

        @Override
        public void close() {
            region.close();
        }
    }

    private static final class NativeWindow implements Window {
        private final MemoryWindow window;
        private int key;

        /** Not each key that is told is bound. */
        private int lastBound;

        NativeWindow(MemoryWindow window) {
            this.window = window;
            key = window.remoteKey();
            lastBound = key;
        }

        @Override
        public int nextKey() {
            key = MemoryWindow.nextKey(key);
            return key;
        }

        /** {@return the window, about to be bound to a key} */
        MemoryWindow binding(int next) {
            window.hadKey(lastBound);
            lastBound = next;
            return window;
        }

        @Override
        public void close() {
            window.close();
        }
    }

    private static final class Receives implements ReceiveQueue {
        private final Arena arena = Arena.ofShared();
        private final SharedReceiveQueue queue;
        private final ReceiveRequests one = ReceiveRequests.allocate(arena, 1, 1);

        Receives(SharedReceiveQueue queue) {
            this.queue = queue;
        }

        @Override
        public void post(long id, long address, int bytes, int localKey) {
            one.clear();
            one.add(id);
            one.addSegment(address, bytes, localKey);
            int status = queue.post(one);
            if (status != 0) {
                throw new TransferException(
                        ErrorCode.LANE_LOST, "ibv_post_srq_recv failed with errno " + status);
            }
        }

        @Override
        public void close() {
            queue.close();
            arena.close();
        }
    }
}
