package com.ibm.net.rdma.jverbs.verbs;

import io.kvwire.ffi.verbs.AccessFlags;
import io.kvwire.ffi.verbs.QueuePairCapacity;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;

/** What may be used together. */
public final class ProtectionDomain {
    private final io.kvwire.ffi.verbs.ProtectionDomain domain;

    ProtectionDomain(io.kvwire.ffi.verbs.ProtectionDomain domain) {
        this.domain = domain;
    }

    io.kvwire.ffi.verbs.ProtectionDomain bound() {
        return domain;
    }

    public RegisterMemoryRegionMethod registerMemoryRegion(ByteBuffer buffer, int access)
            throws IOException {
        if (!buffer.isDirect()) {
            throw new IOException("only direct buffers can be registered");
        }
        var memory = MemorySegment.ofBuffer(buffer);
        var region = new AtomicReference<MemoryRegion>();
        return new RegisterMemoryRegionMethod(
                region,
                () ->
                        region.set(
                                VerbsContext.attempt(
                                        () -> new MemoryRegion(domain.register(memory, access)))));
    }

    public DeregisterMemoryRegionMethod deregisterMemoryRegion(MemoryRegion region) {
        return new DeregisterMemoryRegionMethod(() ->
                VerbsContext.attempt(() -> {
                    region.bound().close();
                    return region;
                }));
    }

    /** Makes the queue pair of an identifier, bound to the first port. */
    public QueuePair createQueuePair(QueuePairInitAttribute attribute) {
        var limits = attribute.getCap();
        var made =
                domain.createQueuePair(
                        attribute.sends().bound(),
                        attribute.receives().bound(),
                        Optional.empty(),
                        new QueuePairCapacity(
                                limits.sends,
                                limits.receives,
                                limits.sendPieces,
                                limits.receivePieces,
                                0));
        made.initialize(
                1, AccessFlags.LOCAL_WRITE | AccessFlags.REMOTE_WRITE | AccessFlags.REMOTE_READ);
        return new QueuePair(made, limits);
    }
}
