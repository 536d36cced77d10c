package io.kvwire.pcie;

import io.kvwire.transport.spi.DeviceMemory;

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
     * @param file that {@code shared} is a mapping of; none for memory of a device
     * @param device that {@code shared} is memory of, which the host cannot read
     */
    record Region(
            MemorySegment shared,
            long address,
            long bytes,
            Optional<ImportedFile> file,
            Optional<DeviceMemory> device) {
        static Region ofFile(ImportedFile file) {
            var memory = file.memory();
            return new Region(memory, 0, memory.byteSize(), Optional.of(file), Optional.empty());
        }

        /** Private memory, or none at all. */
        static Region ofProcess(long address, long bytes) {
            return new Region(
                    MemorySegment.NULL, address, bytes, Optional.empty(), Optional.empty());
        }

        static Region ofDevice(MemorySegment memory, long bytes, DeviceMemory device) {
            return new Region(memory, 0, bytes, Optional.empty(), Optional.of(device));
        }

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
        return shared
                ? Region.ofFile(ImportedFile.map(descriptors[0], bytes))
                : Region.ofProcess(address, bytes);
    }

    private void gone(int id) {
        var region = find(id);
        LaneMemory.require(region != null, "the end of a region that is not there");
        regions.set(id, null);
        letGo(region);
        ofDevices.gone(id);
    }

    private static void letGo(Region region) {
        if (region != null) {
            region.file().ifPresent(ImportedFile::release);
        }
    }

    /** Lets go of everything. */
    void close() {
        regions.forEach(Imports::letGo);
        regions.clear();
        ofDevices.close();
    }
}
