package io.kvwire.rdma;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DeviceMemory;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;

/**
 * The registrations of one NIC: each segment of memory is registered whole at its first use for an
 * access, and kept until its owner takes it back or room is needed for others (least recently used
 * first); memory of another device is never the one to go. What a frame uses stays registered until
 * the frame gives it back; the segment is held for as long, so that its arena cannot be collected
 * under the device. Thread-safe.
 */
final class Registrations implements AutoCloseable {
    private final VerbsDevice nic;
    private final DeviceSegments devices;
    private final int capacity;
    private final int alwaysAccess;
    private final IdentityHashMap<MemorySegment, List<Use>> bySegment = new IdentityHashMap<>();
    private int size;
    private long clock;
    private long made;
    private long evicted;

    /** One registration, and how many frames use it now. */
    static final class Use {
        private final MemorySegment segment;
        private final int access;
        private MemoryKeys keys;
        private String way = "";
        private boolean kept;
        private int users;
        private boolean doomed;
        private long lastUsed;

        private Use(MemorySegment segment, int access) {
            this.segment = segment;
            this.access = access;
        }

        MemorySegment segment() {
            return segment;
        }

        int access() {
            return access;
        }

        MemoryKeys keys() {
            return keys;
        }

        int localKey() {
            return keys.localKey();
        }

        int remoteKey() {
            return keys.remoteKey();
        }

        /** {@return how a NIC reaches memory of another device, in words} */
        String way() {
            return way;
        }

        private synchronized void register(
                VerbsDevice nic, Optional<DeviceMemory> device, int more) {
            if (keys != null) {
                return;
            }
            if (device.isPresent()) {
                var made = DeviceRegistration.of(nic, device.get(), segment, access | more);
                keys = made.keys();
                way = made.way();
            } else {
                keys = nic.register(segment.address(), segment.byteSize(), access | more);
            }
        }

        private synchronized void deregister() {
            if (keys != null) {
                keys.close();
                keys = null;
            }
        }
    }

    /**
     * Makes an empty cache.
     *
     * @param nic to register with
     * @param devices which memory is another device's
     * @param capacity registrations at one time
     * @param alwaysAccess bits of access that each registration gets besides what it is asked for
     */
    Registrations(VerbsDevice nic, DeviceSegments devices, int capacity, int alwaysAccess) {
        this.nic = nic;
        this.devices = devices;
        this.capacity = capacity;
        this.alwaysAccess = alwaysAccess;
    }

    /**
     * {@return the registration of a segment, held until {@link #release}}
     *
     * @param segment the whole of it is registered
     * @param access bits that are needed
     * @throws TransferException with {@link ErrorCode#RESOURCE_EXHAUSTED}
     */
    Use acquire(MemorySegment segment, int access) {
        Use use;
        List<Use> dropped = new ArrayList<>(0);
        synchronized (this) {
            use = find(segment, access);
            if (use == null) {
                makeRoom(dropped);
                use = new Use(segment, access);
                bySegment.computeIfAbsent(segment, any -> new ArrayList<>(2)).add(use);
                size++;
                made++;
            }
            use.users++;
            use.lastUsed = ++clock;
        }
        dropped.forEach(Use::deregister);
        try {
            use.register(nic, devices.deviceOf(segment), alwaysAccess);
            return use;
        } catch (RuntimeException e) {
            synchronized (this) {
                forget(use);
                use.users--;
            }
            throw e;
        }
    }

    /**
     * Registers memory of another device, and keeps that until its owner takes it back: it might
     * not be possible a second time.
     *
     * @return how the NIC reaches it, in words
     * @throws TransferException when it cannot
     */
    String keep(MemorySegment segment, int access) {
        var use = acquire(segment, access);
        synchronized (this) {
            use.kept = true;
        }
        release(use);
        return use.way();
    }

    private Use find(MemorySegment segment, int access) {
        var known = bySegment.get(segment);
        if (known != null) {
            for (int i = 0; i < known.size(); i++) {
                var use = known.get(i);
                if ((use.access & access) == access) {
                    return use;
                }
            }
        }
        return null;
    }

    private void makeRoom(List<Use> dropped) {
        if (size < capacity) {
            return;
        }
        Use oldest = null;
        for (var uses : bySegment.values()) {
            for (var use : uses) {
                if (use.users == 0
                        && !use.kept
                        && (oldest == null || use.lastUsed < oldest.lastUsed)) {
                    oldest = use;
                }
            }
        }
        if (oldest == null) {
            throw new TransferException(
                    ErrorCode.RESOURCE_EXHAUSTED,
                    "all "
                            + capacity
                            + " registrations of memory are in use: raise rdma.registrations");
        }
        forget(oldest);
        evicted++;
        dropped.add(oldest);
    }

    private void forget(Use use) {
        var known = bySegment.get(use.segment);
        if (known != null && known.remove(use)) {
            size--;
            if (known.isEmpty()) {
                bySegment.remove(use.segment);
            }
        }
    }

    /** Gives a registration back. */
    void release(Use use) {
        synchronized (this) {
            if (--use.users > 0 || !use.doomed) {
                return;
            }
        }
        use.deregister();
    }

    /** {@return the device whose memory a segment is; empty for memory of the host} */
    Optional<DeviceMemory> deviceOf(MemorySegment segment) {
        return devices.deviceOf(segment);
    }

    /** Deregisters a segment, as soon as no frame uses it any more. */
    void removed(MemorySegment segment) {
        List<Use> free = new ArrayList<>();
        synchronized (this) {
            var known = bySegment.remove(segment);
            if (known == null) {
                return;
            }
            size -= known.size();
            for (var use : known) {
                use.doomed = true;
                if (use.users == 0) {
                    free.add(use);
                }
            }
        }
        free.forEach(Use::deregister);
    }

    /** {@return registrations that are kept now} */
    synchronized int size() {
        return size;
    }

    /** {@return registrations made so far} */
    synchronized long made() {
        return made;
    }

    /** {@return registrations that had to go to make room} */
    synchronized long evicted() {
        return evicted;
    }

    /** Deregisters everything; no frame uses any of it. */
    @Override
    public void close() {
        List<MemorySegment> all;
        synchronized (this) {
            all = new ArrayList<>(bySegment.keySet());
        }
        all.forEach(this::removed);
    }
}
