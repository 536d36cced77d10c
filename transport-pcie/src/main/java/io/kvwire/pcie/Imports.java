package io.kvwire.pcie;

import io.kvwire.ffi.linux.Descriptors;
import io.kvwire.ffi.linux.LocalSocket;
import io.kvwire.ffi.linux.MemoryFile;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * The regions that the other end of a lane has told of: its shared files, mapped here to be read,
 * and where its private memory lies. Confined to the thread of its lane.
 */
final class Imports {
    private static final int MAX_IDS = 1 << 20;
    private static final int REGION_BYTES = 2 * Integer.BYTES + 2 * Long.BYTES;

    private final List<Region> regions = new ArrayList<>();

    /**
     * Memory of the other process.
     *
     * @param shared its bytes; empty for private memory
     * @param address where private memory starts in the other process
     * @param bytes its length
     * @param arena unmaps it
     */
    record Region(MemorySegment shared, long address, long bytes, Arena arena) {
        boolean mapped() {
            return shared.byteSize() > 0;
        }
    }

    /** {@return a region, or null when it was not told of yet} */
    Region find(int id) {
        return id >= 0 && id < regions.size() ? regions.get(id) : null;
    }

    /** Takes a message of the lane's socket. */
    void told(LocalSocket.Message message) {
        try {
            var in = SocketMessage.open(message.bytes());
            byte type = SocketMessage.type(in);
            boolean region = type == SocketMessage.REGION && in.remaining() == REGION_BYTES;
            boolean gone = type == SocketMessage.GONE && in.remaining() == Integer.BYTES;
            LaneMemory.require(region || gone, "a message of type " + type);
            int id = in.getInt();
            if (gone) {
                gone(id);
                return;
            }
            LaneMemory.require(id == regions.size() && id < MAX_IDS, "region " + id);
            int kind = in.getInt();
            regions.add(region(kind, in.getLong(), in.getLong(), message.descriptors()));
        } catch (RuntimeException e) {
            Descriptors.close(message.descriptors());
            throw e;
        }
    }

    private static Region region(int kind, long address, long bytes, int[] descriptors) {
        LaneMemory.require(bytes >= 0, "a region of " + bytes + " bytes");
        boolean shared = kind == SocketMessage.SHARED;
        LaneMemory.require(
                descriptors.length == (shared ? 1 : 0) && (shared || kind == SocketMessage.PRIVATE),
                "a region of kind " + kind);
        if (!shared) {
            return new Region(MemorySegment.NULL, address, bytes, Arena.global());
        }
        var file = MemoryFile.adopt(descriptors[0]);
        LaneMemory.require(
                file.lengthSealed() && bytes > 0 && file.bytes() >= bytes,
                "memory whose length is not sealed, or is shorter than it says");
        var arena = Arena.ofConfined();
        try {
            var region = new Region(file.map(arena, bytes, false), 0, bytes, arena);
            file.close();
            return region;
        } catch (RuntimeException e) {
            arena.close();
            throw e;
        }
    }

    private void gone(int id) {
        var region = find(id);
        LaneMemory.require(region != null, "the end of a region that is not there");
        regions.set(id, null);
        unmap(region);
    }

    private static void unmap(Region region) {
        if (region != null && region.mapped()) {
            region.arena().close();
        }
    }

    /** Unmaps everything. */
    void close() {
        regions.forEach(Imports::unmap);
        regions.clear();
    }
}
