package io.kvwire.harness.split;

import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.SingleRun;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;

/**
 * Parts of a cache where the host can read and write them: in place, or in staging where they are
 * memory of a device, from and to which {@link #fetch} and {@link #bring} copy them. Confined to
 * one thread.
 */
final class HostParts {
    private final Optional<DeviceMemory> device;
    private final List<MemorySegment> parts;
    private final List<MemorySegment> onHost;

    private HostParts(
            Optional<DeviceMemory> device, List<MemorySegment> parts, List<MemorySegment> onHost) {
        this.device = device;
        this.parts = parts;
        this.onHost = onHost;
    }

    /** Takes the parts of a cache; staging for them, if need be, comes from the arena. */
    static HostParts of(CacheMemory memory, List<MemorySegment> parts, Arena staging) {
        var device = memory.device().filter(kind -> !kind.hostAccessible());
        var onHost =
                device.isEmpty()
                        ? parts
                        : parts.stream().map(part -> staging.allocate(part.byteSize())).toList();
        return new HostParts(device, parts, onHost);
    }

    /** {@return the bytes of each part, under 2 GiB} */
    List<ByteBuffer> bytes() {
        return onHost.stream().map(MemorySegment::asByteBuffer).toList();
    }

    /** Copies what the device has to the host. */
    void fetch() {
        device.ifPresent(from -> {
            for (int i = 0; i < parts.size(); i++) {
                from.gather(SingleRun.of(parts.get(i)), onHost.get(i));
            }
        });
    }

    /** Copies what the host has to the device. */
    void bring() {
        device.ifPresent(to -> {
            for (int i = 0; i < parts.size(); i++) {
                to.scatter(onHost.get(i), SingleRun.of(parts.get(i)));
            }
        });
    }
}
