package io.kvwire.pcie;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DeviceMemory;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.IntSupplier;

/**
 * Memory of devices that the other end of a lane was told of. Frames name it once the other end has
 * opened it; until then, and where it cannot, they bring it staged. Confined to the thread of its
 * lane, but for {@link #fetches} and {@link #staged}.
 */
final class DeviceExports {
    private static final int MAX_EXPORTED_BYTES = 1 << 10;

    private final SocketQueue socket;
    private final IntSupplier nextId;
    private final IdentityHashMap<MemorySegment, Shown> bySegment = new IdentityHashMap<>();
    private final Map<Integer, Shown> byId = new HashMap<>();
    private final Set<Place> fetched = ConcurrentHashMap.newKeySet();
    private volatile Optional<String> staged = Optional.empty();

    /** What a segment stands for, whichever object it is. */
    private record Place(long address, long bytes) {
        static Place of(MemorySegment memory) {
            return new Place(memory.address(), memory.byteSize());
        }
    }

    /** A segment that the other end was told of. */
    private static final class Shown {
        final MemorySegment memory;
        final int id;
        final CompletableFuture<Void> closed = new CompletableFuture<>();
        boolean open;

        Shown(MemorySegment memory, int id) {
            this.memory = memory;
            this.id = id;
        }
    }

    /**
     * Makes the record of a lane.
     *
     * @param nextId gives the numbers of regions, negative when there are no more
     */
    DeviceExports(SocketQueue socket, IntSupplier nextId) {
        this.socket = socket;
        this.nextId = nextId;
    }

    /** Tells the other end of memory, once. */
    void show(MemorySegment memory, DeviceMemory device) {
        if (bySegment.containsKey(memory)) {
            return;
        }
        try {
            var exported = export(memory, device);
            int id = nextId.getAsInt();
            if (id < 0) {
                staged = Optional.of("the lane has told of too many regions");
                return;
            }
            var shown = new Shown(memory, id);
            bySegment.put(memory, shown);
            byId.put(id, shown);
            socket.send(SocketMessage.deviceRegion(id, memory.byteSize(), exported));
        } catch (TransferException e) {
            staged = Optional.of(device.device() + ": " + e.getMessage());
        }
    }

    private static byte[] export(MemorySegment memory, DeviceMemory device) {
        var peers =
                device.peerMemory()
                        .orElseThrow(() -> unavailable("no process can show it another"));
        byte[] exported = peers.export(memory);
        if (exported.length > MAX_EXPORTED_BYTES) {
            throw unavailable("its handles have " + exported.length + " bytes");
        }
        return exported;
    }

    private static TransferException unavailable(String why) {
        return new TransferException(ErrorCode.PATH_UNAVAILABLE, why);
    }

    /**
     * Takes memory back, which no frame names any more.
     *
     * @param closed completes when the other end has closed it, or never had it open
     */
    void hide(MemorySegment memory, CompletableFuture<Void> closed) {
        fetched.remove(Place.of(memory));
        var shown = bySegment.remove(memory);
        if (shown == null) {
            closed.complete(null);
            return;
        }
        var _ = shown.closed.thenAccept(closed::complete);
        socket.send(SocketMessage.gone(shown.id));
    }

    /** {@return how the other end knows memory, if it has it open} */
    Exports.Export of(MemorySegment memory) {
        var shown = bySegment.get(memory);
        return shown == null || !shown.open ? Exports.Export.NONE : new Exports.Export(shown.id, 0);
    }

    /** {@return whether the other end may have memory open} */
    boolean any() {
        return !byId.isEmpty();
    }

    /** Takes what the other end says of a region. */
    void told(byte type, ByteBuffer in) {
        var shown = byId.get(SocketMessage.answered(type, in));
        LaneMemory.require(shown != null, "an answer about a region that was not shown");
        switch (type) {
            case SocketMessage.OPENED -> {
                shown.open = true;
                if (bySegment.get(shown.memory) == shown) {
                    fetched.add(Place.of(shown.memory));
                }
            }
            case SocketMessage.CANNOT -> staged = Optional.of(SocketMessage.rest(in));
            case SocketMessage.CLOSED -> {
                LaneMemory.require(
                        bySegment.get(shown.memory) != shown, "the end of a region that is shown");
                byId.remove(shown.id);
                shown.closed.complete(null);
            }
            default -> LaneMemory.require(false, "a message of type " + type);
        }
    }

    /** {@return whether the other end has memory open; for any thread} */
    boolean fetches(MemorySegment memory) {
        return fetched.contains(Place.of(memory));
    }

    /** {@return the last reason why memory is staged; for any thread} */
    Optional<String> staged() {
        return staged;
    }
}
