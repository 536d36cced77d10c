package io.kvwire.pcie;

import io.kvwire.ffi.linux.LocalSocket;

import java.lang.foreign.MemorySegment;
import java.util.IdentityHashMap;

/**
 * The memory of this process that the other end of a lane has been told of, so that frames can name
 * it. Confined to the thread of its lane.
 */
final class Exports {
    /** More than that are copied: ids are never used twice. */
    private static final int MAX_IDS = 1 << 20;

    private final LocalSocket socket;
    private final SocketQueue queue;
    private final boolean readsPrivate;
    private final DeviceExports ofDevices;
    private final IdentityHashMap<MemorySegment, Export> bySegment = new IdentityHashMap<>();
    private final IdentityHashMap<SharedChunk, Chunk> byChunk = new IdentityHashMap<>();
    private int nextId;
    private MemorySegment lastSegment = MemorySegment.NULL;
    private Export last = Export.NONE;

    /**
     * Where a segment starts in a region that the other end knows.
     *
     * @param region its id, or -1 when the segment cannot be named and has to be copied
     * @param base of the segment in the region, in bytes
     */
    record Export(int region, long base) {
        static final Export NONE = new Export(-1, 0);

        boolean possible() {
            return region >= 0;
        }
    }

    /** A shared file that was handed over, and how many segments lie in it. */
    private static final class Chunk {
        private final int region;
        private int segments;

        Chunk(int region) {
            this.region = region;
        }
    }

    Exports(LocalSocket socket, SocketQueue queue, boolean readsPrivate) {
        this.socket = socket;
        this.queue = queue;
        this.readsPrivate = readsPrivate;
        ofDevices = new DeviceExports(queue, () -> nextId == MAX_IDS ? -1 : nextId++);
    }

    /** {@return the memory of devices, whose regions are counted with the others} */
    DeviceExports ofDevices() {
        return ofDevices;
    }

    /** {@return how the other end knows a segment; it is told, where need be} */
    Export of(MemorySegment segment) {
        if (segment == lastSegment) {
            return last;
        }
        var export = bySegment.get(segment);
        if (export == null) {
            export = tell(segment);
            if (export == null) {
                return Export.NONE; // its socket is full: that may be otherwise the next time
            }
            bySegment.put(segment, export);
        }
        lastSegment = segment;
        last = export;
        return export;
    }

    private Export tell(MemorySegment segment) {
        if (nextId == MAX_IDS) {
            return Export.NONE;
        }
        if (!queue.flush()) {
            return null; // regions are told of in the order of their ids
        }
        var shared = SharedChunk.of(segment);
        if (shared.isPresent()) {
            var chunk = tell(shared.get());
            if (chunk == null) {
                return null;
            }
            chunk.segments++;
            long base = segment.address() - shared.get().memory().address();
            return new Export(chunk.region, base);
        }
        if (!readsPrivate) {
            return Export.NONE;
        }
        long size = segment.byteSize();
        var message = SocketMessage.region(nextId, SocketMessage.PRIVATE, segment.address(), size);
        return socket.send(message) ? new Export(nextId++, 0) : null;
    }

    private Chunk tell(SharedChunk shared) {
        var known = byChunk.get(shared);
        if (known != null) {
            return known;
        }
        long size = shared.memory().byteSize();
        var message = SocketMessage.region(nextId, SocketMessage.SHARED, 0, size);
        if (!socket.send(message, shared.file().descriptor())) {
            return null;
        }
        var chunk = new Chunk(nextId++);
        byChunk.put(shared, chunk);
        return chunk;
    }

    /** Forgets a segment that no frame names any more. */
    void removed(MemorySegment segment) {
        lastSegment = MemorySegment.NULL;
        last = Export.NONE;
        var export = bySegment.remove(segment);
        if (export == null || !export.possible()) {
            return;
        }
        var chunk =
                byChunk.entrySet().stream()
                        .filter(entry -> entry.getValue().region == export.region)
                        .findFirst();
        if (chunk.isPresent() && --chunk.get().getValue().segments > 0) {
            return;
        }
        chunk.ifPresent(entry -> byChunk.remove(entry.getKey()));
        // Where the socket is full, the other end keeps the region until the lane ends.
        var _ = socket.send(SocketMessage.gone(export.region));
    }
}
