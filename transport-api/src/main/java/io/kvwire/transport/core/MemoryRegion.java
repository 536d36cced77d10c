package io.kvwire.transport.core;

import io.kvwire.transport.Access;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.Region;
import io.kvwire.transport.RemoteRegion;
import io.kvwire.transport.TransferException;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletableFuture;

/** Registered memory; to the ledger it is a cache of one block. */
final class MemoryRegion implements Region {
    private final LocalNode node;
    private final int id;
    private final int generation;
    private final MemorySegment segment;
    private final Access access;
    private final Ledger ledger;

    MemoryRegion(LocalNode node, int id, MemorySegment segment, Access access) {
        requireShareable(segment);
        this.node = node;
        this.id = id;
        this.segment = segment;
        this.access = access;
        generation = node.randomGeneration();
        ledger =
                new Ledger(
                        "region " + id,
                        node.incarnation(),
                        1,
                        generation,
                        node.metrics.blocksPinned);
    }

    /** Refuses memory that the wire's threads could not touch. */
    static void requireShareable(MemorySegment segment) {
        if (!segment.isNative()) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    "heap memory cannot be registered: allocate it from an Arena");
        }
        if (!segment.isAccessibleBy(Thread.ofPlatform().unstarted(() -> {}))) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    "memory of a confined arena cannot"
                            + " be registered: allocate it from Arena.ofShared() or ofAuto()");
        }
        if (segment.isReadOnly()) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    "a read-only segment cannot be registered: register the segment itself and"
                            + " grant peers Access.REMOTE_READ");
        }
    }

    RemoteRegion announcement() {
        return new RemoteRegion(id, generation, segment.byteSize(), access);
    }

    boolean pin() {
        return ledger.pin(0, generation);
    }

    void unpin() {
        ledger.unpin(0);
    }

    boolean withdrawn() {
        return !ledger.current(0, generation);
    }

    @Override
    public int id() {
        return id;
    }

    @Override
    public int generation() {
        return generation;
    }

    @Override
    public MemorySegment segment() {
        return segment;
    }

    @Override
    public Access access() {
        return access;
    }

    @Override
    public CompletableFuture<Void> deregister() {
        node.registry().withdraw(this);
        var quiet = ledger.retire(ledger.table(0));
        node.endUsersOf(this);
        return quiet.thenRun(() -> node.paths().memoryRemoved(segment));
    }

    @Override
    public String toString() {
        return "region " + id + " (" + segment.byteSize() + " bytes)";
    }

    /** Checks a strided range against the region without overflow. */
    static boolean inside(long size, long offset, long stride, long length, int count) {
        if (offset < 0 || length < 0 || count < 0 || stride < 0 || length > size) {
            return false;
        }
        if (count == 0 || length == 0) {
            return offset <= size;
        }
        long room = size - length;
        return offset <= room && (count == 1 || stride <= (room - offset) / (count - 1));
    }
}
