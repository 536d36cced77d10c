package io.kvwire.rdma;

import java.util.ArrayList;
import java.util.List;

/** A registration whose own key peers are told. */
final class FaultyKeys implements MemoryKeys {
    private final VerbsDevice device;
    private final MemoryKeys real;
    private final Range range;
    private final OrderedFaults faults;
    private final List<MemoryKeys> others = new ArrayList<>();

    /** What was registered, and for what. */
    record Range(long address, long bytes, int access) {}

    FaultyKeys(VerbsDevice device, MemoryKeys real, Range range, OrderedFaults faults) {
        this.device = device;
        this.real = real;
        this.range = range;
        this.faults = faults;
    }

    /** {@return an access without what peers may do} */
    static int weaker(int access) {
        return access & ~MemoryAccess.REMOTE_WRITE & ~MemoryAccess.REMOTE_READ;
    }

    @Override
    public int localKey() {
        return real.localKey();
    }

    @Override
    public int remoteKey() {
        var told = faults.key;
        if (told != FaultyVerbs.Key.RIGHT) {
            faults.inject();
        }
        return switch (told) {
            case RIGHT -> real.remoteKey();
            case WRONG -> ~real.remoteKey();
            case STALE -> {
                try (var gone = device.register(range.address, range.bytes, range.access)) {
                    yield gone.remoteKey();
                }
            }
            case SHORT -> other(range.bytes / 2, range.access);
            case WEAK -> other(range.bytes, weaker(range.access));
        };
    }

    private synchronized int other(long bytes, int access) {
        others.add(device.register(range.address, bytes, access));
        return others.getLast().remoteKey();
    }

    @Override
    public synchronized void close() {
        others.forEach(MemoryKeys::close);
        real.close();
    }
}
