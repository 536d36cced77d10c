package io.kvwire.rdma;

import io.kvwire.transport.spi.DeviceMemory;

import java.lang.foreign.MemorySegment;
import java.util.IdentityHashMap;
import java.util.Optional;

/**
 * The segments of memory that the host must not touch, with their devices. Asked for each frame,
 * and changed with caches alone. Thread-safe.
 */
final class DeviceSegments {
    private record Known(DeviceMemory device, int registrations) {}

    private volatile IdentityHashMap<MemorySegment, Known> known = new IdentityHashMap<>();

    /** Takes a segment, once for each registration with the node. */
    synchronized void add(MemorySegment segment, DeviceMemory device) {
        var before = known.get(segment);
        change(segment, new Known(device, before == null ? 1 : before.registrations + 1));
    }

    /** {@return whether no registration of a segment is left, or it was memory of the host} */
    synchronized boolean remove(MemorySegment segment) {
        var before = known.get(segment);
        if (before != null && before.registrations > 1) {
            change(segment, new Known(before.device, before.registrations - 1));
            return false;
        }
        if (before != null) {
            var fewer = new IdentityHashMap<>(known);
            fewer.remove(segment);
            known = fewer;
        }
        return true;
    }

    private void change(MemorySegment segment, Known now) {
        var changed = new IdentityHashMap<>(known);
        changed.put(segment, now);
        known = changed;
    }

    /** {@return the device whose memory a segment is; empty for memory of the host} */
    Optional<DeviceMemory> deviceOf(MemorySegment segment) {
        var found = known.get(segment);
        return found == null ? Optional.empty() : Optional.of(found.device);
    }
}
