package io.kvwire.rdma;

import io.kvwire.ffi.verbs.AccessFlags;
import io.kvwire.ffi.verbs.Context;
import io.kvwire.ffi.verbs.MemoryRegion;
import io.kvwire.ffi.verbs.ProtectionDomain;
import io.kvwire.ffi.verbs.QueuePairCapacity;
import io.kvwire.ffi.verbs.ReceiveRequests;
import io.kvwire.ffi.verbs.SharedReceiveQueue;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.Arena;
import java.util.Optional;

/** An open device of {@link NativeVerbs}, and its protection domain. */
final class NativeDevice implements VerbsDevice {

    private final Context context;
    private final ProtectionDomain domain;

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
    }

    @Override
    public DeviceLimits limits() {
        var limits = context.attributes().limits();
        return new DeviceLimits(
                limits.queuedRequests(),
                limits.segments(),
                limits.queueEntries(),
                limits.sharedRequests(),
                Math.min(limits.readsServed(), limits.readsIssued()));
    }

    @Override
    public MemoryKeys register(long address, long bytes, int access) {
        return new Keys(domain.registerAddress(address, bytes, access));
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
        return new NativeQueuePair(pair, port, spec);
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
