package io.kvwire.pcie;

import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DeviceMemory;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Memory of devices that the other end of a lane has told of, opened by the first device here that
 * can, and the answers to that. Confined to the thread of its lane.
 */
final class DeviceImports {
    private static final int MAX_REGIONS = 1 << 14;

    private final SocketQueue socket;
    private final Supplier<List<DeviceMemory>> devices;
    private final String none;
    private final Map<Integer, Told> told = new HashMap<>();

    /** A region of the other end; the device is missing as long as none here could open it. */
    @SuppressWarnings("ArrayRecordComponent") // passed on, never compared
    private record Told(byte[] exported, long bytes, Optional<DeviceMemory> device) {}

    /**
     * Makes the record of a lane.
     *
     * @param devices that may open memory; called for each region
     * @param none what the other end is told where there is none
     */
    DeviceImports(SocketQueue socket, Supplier<List<DeviceMemory>> devices, String none) {
        this.socket = socket;
        this.devices = devices;
        this.none = none;
    }

    /** Tries to open a region; without its device it has no bytes, and no frame can name any. */
    Imports.Region open(int id, long bytes, byte[] exported) {
        LaneMemory.require(told.size() < MAX_REGIONS, "region " + id + " of a device");
        var why = none;
        for (var device : devices.get()) {
            if (device.peerMemory().isEmpty()) {
                continue;
            }
            try {
                var memory = device.peerMemory().get().open(exported);
                told.put(id, new Told(exported, bytes, Optional.of(device)));
                if (memory.byteSize() != bytes) {
                    break; // closed with the lane, which does not outlive this
                }
                socket.send(SocketMessage.opened(id));
                return Imports.Region.ofDevice(memory, bytes, device);
            } catch (TransferException e) {
                why = device.device() + " of the peer: " + e.getMessage();
            }
        }
        LaneMemory.require(!told.containsKey(id), "region " + id + " of another length");
        told.put(id, new Told(exported, bytes, Optional.empty()));
        socket.send(SocketMessage.cannot(id, why));
        return Imports.Region.ofProcess(0, 0);
    }

    /** Tries again what could not be opened: there is one more device here. */
    void retry(List<Imports.Region> regions) {
        for (int id = 0; id < regions.size(); id++) {
            var known = told.get(id);
            if (known != null && known.device().isEmpty()) {
                told.remove(id);
                regions.set(id, open(id, known.bytes(), known.exported()));
            }
        }
    }

    /** Ends a region, if it is one of a device, and says so. */
    void gone(int id) {
        var known = told.remove(id);
        if (known != null) {
            close(known);
            socket.send(SocketMessage.closed(id));
        }
    }

    private static void close(Told known) {
        known.device()
                .flatMap(DeviceMemory::peerMemory)
                .ifPresent(peers -> peers.release(known.exported()));
    }

    /** Closes everything. */
    void close() {
        told.values().forEach(DeviceImports::close);
        told.clear();
    }
}
