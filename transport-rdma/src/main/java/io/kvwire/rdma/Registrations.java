package io.kvwire.rdma;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;

/**
 * The registrations of one device: each segment of memory is registered whole at its first use for
 * an access, and kept until its owner takes it back or room is needed for others (least recently
 * used first). What a frame uses stays registered until the frame gives it back; the segment is
 * held for as long, so that its arena cannot be collected under the device. Thread-safe.
 */
final class Registrations implements AutoCloseable {
    private final VerbsDevice device;
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

        private synchronized void register(VerbsDevice device, int more) {
            if (keys == null) {
                keys = device.register(segment.address(), segment.byteSize(), access | more);
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
     * @param device to register with
     * @param capacity registrations at one time
     * @param alwaysAccess bits of access that each registration gets besides what it is asked for
     */
    Registrations(VerbsDevice device, int capacity, int alwaysAccess) {
        this.device = device;
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
            use.register(device, alwaysAccess);
            return use;
        } catch (RuntimeException e) {
            synchronized (this) {
                forget(use);
                use.users--;
            }
            throw e;
        }
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
                if (use.users == 0 && (oldest == null || use.lastUsed < oldest.lastUsed)) {
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
