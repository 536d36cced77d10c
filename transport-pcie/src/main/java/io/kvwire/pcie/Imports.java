package io.kvwire.pcie;

import io.kvwire.ffi.linux.MemoryFile;
import io.kvwire.transport.spi.DeviceMemory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The regions that the other end of a lane has told of: its shared files, mapped here to be read,
 * and where its private memory lies. Confined to the thread of its lane.
 */
final class Imports {
    private static final int MAX_IDS = 1 << 20;
    private static final int REGION_BYTES = 2 * Integer.BYTES + 2 * Long.BYTES;

    private final List<Region> regions = new ArrayList<>();
    private final DeviceImports ofDevices;

    /**
     * Memory of the other process.
     *
     * @param shared its bytes; empty for private memory
     * @param address where private memory starts in the other process
     * @param bytes its length
     * @param arena unmaps it
     * @param device that {@code shared} is memory of, which the host cannot read
     */
    record Region(
            MemorySegment shared,
            long address,
            long bytes,
            Arena arena,
            Optional<DeviceMemory> device) {
        boolean mapped() {
            return shared.byteSize() > 0;
        }
    }

    Imports(DeviceImports ofDevices) {
        this.ofDevices = ofDevices;
    }

    /** {@return a region, or null when it was not told of yet} */
    Region find(int id) {
        return id >= 0 && id < regions.size() ? regions.get(id) : null;
    }

    /**
     * Takes a message of the lane's socket.
     *
     * @param in behind its type
     * @param descriptors that came with it; still the caller's when this fails
     */
    void told(byte type, ByteBuffer in, int[] descriptors) {
        boolean gone = type == SocketMessage.GONE && in.remaining() == Integer.BYTES;
        LaneMemory.require(
                gone || (type == SocketMessage.REGION && in.remaining() >= REGION_BYTES),
                "a message of type " + type);
        int id = in.getInt();
        if (gone) {
            gone(id);
            return;
        }
        LaneMemory.require(id == regions.size() && id < MAX_IDS, "region " + id);
        int kind = in.getInt();
        long address = in.getLong();
        long bytes = in.getLong();
        if (kind == SocketMessage.DEVICE) {
            byte[] exported = new byte[in.remaining()];
            in.get(exported);
            LaneMemory.require(descriptors.length == 0 && bytes > 0, "a device's region");
            regions.add(ofDevices.open(id, bytes, exported));
            return;
        }
        LaneMemory.require(!in.hasRemaining(), "a long REGION");
        regions.add(region(kind, address, bytes, descriptors));
    }

    /** Opens what waits for a device that is here now. */
    void deviceAdded() {
        ofDevices.retry(regions);
    }

    private static Region region(int kind, long address, long bytes, int[] descriptors) {
        LaneMemory.require(bytes >= 0, "a region of " + bytes + " bytes");
        boolean shared = kind == SocketMessage.SHARED;
        LaneMemory.require(
                descriptors.length == (shared ? 1 : 0) && (shared || kind == SocketMessage.PRIVATE),
                "a region of kind " + kind);
        if (!shared) {
            return new Region(MemorySegment.NULL, address, bytes, Arena.global(), Optional.empty());
        }
        var file = MemoryFile.adopt(descriptors[0]);
        LaneMemory.require(
                file.lengthSealed() && bytes > 0 && file.bytes() >= bytes,
                "memory whose length is not sealed, or is shorter than it says");
        var arena = Arena.ofConfined();
        try {
            var memory = file.map(arena, bytes, false);
            var region = new Region(memory, 0, bytes, arena, Optional.empty());
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
        ofDevices.gone(id);
    }

    private static void unmap(Region region) {
        if (region != null && region.mapped() && region.device().isEmpty()) {
            region.arena().close();
        }
    }

    /** Unmaps and closes everything. */
    void close() {
        regions.forEach(Imports::unmap);
        regions.clear();
        ofDevices.close();
    }
}
