package io.kvwire.pcie.levelzero;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * Allocations by address, so that each range is found in the one that holds it. Kernels are given
 * whole allocations: a driver keeps those on the device that a kernel's arguments name.
 * Thread-safe.
 */
final class Allocations {
    private final String device;
    private final ConcurrentSkipListMap<Long, MemorySegment> allocations =
            new ConcurrentSkipListMap<>();

    /** Where a range lies. */
    record Place(MemorySegment allocation, long offset) {
        MemorySegment part(long bytes) {
            return allocation.asSlice(offset, bytes);
        }
    }

    Allocations(String device) {
        this.device = device;
    }

    void add(MemorySegment allocation) {
        allocations.put(allocation.address(), allocation);
    }

    /** Forgets the allocation that starts where a segment does. */
    Optional<MemorySegment> remove(MemorySegment segment) {
        return Optional.ofNullable(allocations.remove(segment.address()));
    }

    Place find(MemorySegment segment, long offset, long bytes) {
        long from = segment.address() + offset;
        var entry = allocations.floorEntry(from);
        boolean inside =
                entry != null
                        && offset >= 0
                        && bytes >= 0
                        && bytes <= entry.getValue().byteSize() - (from - entry.getKey());
        if (!inside) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    bytes
                            + " bytes at "
                            + offset
                            + " of a segment are not memory of "
                            + device
                            + ": allocate it there");
        }
        return new Place(entry.getValue(), from - entry.getKey());
    }

    /** Forgets all, and gives them. */
    List<MemorySegment> clear() {
        var all = List.copyOf(allocations.values());
        allocations.clear();
        return all;
    }
}
