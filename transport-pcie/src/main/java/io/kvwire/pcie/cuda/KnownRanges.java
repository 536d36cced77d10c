package io.kvwire.pcie.cuda;

import io.kvwire.ffi.cuda.AddressRange;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;

/** Ranges of addresses that may be used, none of which overlaps another. Thread-safe. */
final class KnownRanges {
    private final String device;
    private final ConcurrentSkipListMap<Long, AddressRange> ranges = new ConcurrentSkipListMap<>();

    KnownRanges(String device) {
        this.device = device;
    }

    synchronized void add(AddressRange range) {
        var before = ranges.lowerEntry(range.start() + range.bytes());
        if (before != null
                && before.getValue().start() + before.getValue().bytes() > range.start()) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    "0x"
                            + Long.toHexString(range.start())
                            + " + "
                            + range.bytes()
                            + " overlaps memory of "
                            + device
                            + " that is known already: release that first");
        }
        ranges.put(range.start(), range);
    }

    /** Removes a range that starts at an address; false when there is none. */
    boolean remove(long start) {
        return ranges.remove(start) != null;
    }

    /** {@return the address of a range, which is all inside one known range} */
    long find(MemorySegment segment, long offset, long bytes) {
        long address = segment.address() + offset;
        Map.Entry<Long, AddressRange> entry = ranges.floorEntry(address);
        if (offset < 0 || entry == null || !entry.getValue().contains(address, bytes)) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    bytes
                            + " bytes at "
                            + offset
                            + " of a segment are not memory of "
                            + device
                            + ": allocate it there, or adopt it");
        }
        return address;
    }

    /** {@return whether a segment is all inside one known range} */
    boolean contains(MemorySegment segment) {
        var entry = ranges.floorEntry(segment.address());
        return entry != null && entry.getValue().contains(segment.address(), segment.byteSize());
    }

    void clear() {
        ranges.clear();
    }
}
