package io.kvwire.rdma;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.kvwire.ffi.CStruct;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A device of {@link JverbsVerbs}: the context of an identifier that is bound to one of its
 * addresses, and a protection domain there.
 */
final class JverbsDevice implements VerbsDevice {
    private static final int ALL_ACCESS =
            MemoryAccess.LOCAL_WRITE | MemoryAccess.REMOTE_WRITE | MemoryAccess.REMOTE_READ;

    private final JverbsApi api;
    private final DeviceLimits limits;
    private final Object channel;
    private final Object anchor;
    private final Object context;
    private final Object domain;
    private final AtomicInteger numbers = new AtomicInteger();

    JverbsDevice(JverbsApi api, InetAddress address, DeviceLimits limits) {
        this.api = api;
        this.limits = limits;
        channel = api.createEventChannel.with();
        try {
            anchor = api.createId.with(channel, api.portSpaceTcp);
            api.bindAddress.with(anchor, new InetSocketAddress(address, 0));
            context = api.getVerbsContext.with(anchor);
            domain = api.allocDomain.with(context);
        } catch (TransferException e) {
            api.destroyEventChannel.with(channel);
            throw e;
        }
    }

    Object domain() {
        return domain;
    }

    @Override
    public DeviceLimits limits() {
        return limits;
    }

    @Override
    public MemoryKeys register(long address, long bytes, int access) {
        if (bytes > Integer.MAX_VALUE) {
            throw new TransferException(
                    ErrorCode.RESOURCE_EXHAUSTED,
                    "jVerbs registers at most 2 GiB at a time, not "
                            + bytes
                            + " bytes: place caches in smaller segments, or use another provider");
        }
        var layout = MemoryLayout.sequenceLayout(bytes, JAVA_BYTE);
        var buffer = CStruct.at(MemorySegment.ofAddress(address), layout).asByteBuffer();
        Object call = api.register.with(domain, buffer, access & ALL_ACCESS);
        try {
            api.registering.execute(call);
            return new Keys(api.getMemoryRegion.with(call));
        } catch (TransferException e) {
            throw new TransferException(
                    ErrorCode.RESOURCE_EXHAUSTED,
                    bytes + " bytes cannot be registered: raise the limit of locked memory",
                    e);
        } finally {
            api.registering.free(call);
        }
    }

    private final class Keys implements MemoryKeys {
        private final Object region;
        private final int localKey;
        private final int remoteKey;

        Keys(Object region) {
            this.region = region;
            localKey = api.getLocalKey.number(region);
            remoteKey = api.getRemoteKey.number(region);
        }

        @Override
        public int localKey() {
            return localKey;
        }

        @Override
        public int remoteKey() {
            return remoteKey;
        }

        @Override
        public void close() {
            api.deregistering.once(api.deregister.with(domain, region));
        }
    }

    @Override
    public CompletionQueue completionQueue(int depth) {
        return new JverbsCompletionQueue(api, context, depth);
    }

    @Override
    public ReceiveQueue receiveQueue(int depth) {
        return new JverbsReceives();
    }

    @Override
    public QueuePair queuePair(
            VerbsPort port, CompletionQueue completions, ReceiveQueue receives, QueueSpec spec) {
        var queue = (JverbsCompletionQueue) completions;
        var taken = (JverbsReceives) receives;
        queue.receives(taken);
        return new JverbsQueuePair(api, this, queue, taken, spec, numbers.incrementAndGet());
    }

    @Override
    public void close() {
        api.deallocDomain.with(context, domain);
        api.destroyId.with(anchor);
        api.destroyEventChannel.with(channel);
    }
}
