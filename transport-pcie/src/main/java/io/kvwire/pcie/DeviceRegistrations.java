package io.kvwire.pcie;

import io.kvwire.transport.spi.DeviceMemory;

import java.lang.foreign.MemorySegment;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;

/** The memory of devices that is registered with a node, and of which device. Thread-safe. */
final class DeviceRegistrations {
    private final IdentityHashMap<MemorySegment, Registered> bySegment = new IdentityHashMap<>();

    /** A device's memory, and how many times it is registered. */
    private record Registered(DeviceMemory device, int times) {}

    /** {@return whether it is the first memory of its device} */
    synchronized boolean add(MemorySegment memory, DeviceMemory device) {
        boolean first = !devices().contains(device);
        bySegment.merge(
                memory,
                new Registered(device, 1),
                (known, one) -> new Registered(device, known.times + one.times));
        return first;
    }

    /** {@return whether that was the last registration of the memory} */
    synchronized boolean remove(MemorySegment memory) {
        var left =
                bySegment.computeIfPresent(
                        memory,
                        (_, known) ->
                                known.times > 1
                                        ? new Registered(known.device, known.times - 1)
                                        : null);
        return left == null;
    }

    synchronized List<DeviceMemory> devices() {
        return bySegment.values().stream().map(Registered::device).distinct().toList();
    }

    void forEach(BiConsumer<MemorySegment, DeviceMemory> what) {
        snapshot().forEach((memory, registered) -> what.accept(memory, registered.device));
    }

    private synchronized IdentityHashMap<MemorySegment, Registered> snapshot() {
        return new IdentityHashMap<>(bySegment);
    }

    /** {@return how a link carries memory of devices, for people; empty where there is none} */
    Optional<String> describe(PcieLink link) {
        var all = snapshot();
        if (all.isEmpty()) {
            return Optional.empty();
        }
        var names =
                all.values().stream()
                        .map(registered -> registered.device.device())
                        .distinct()
                        .sorted()
                        .collect(Collectors.joining(", "));
        long fetched = all.keySet().stream().filter(link::fetches).count();
        if (fetched == all.size()) {
            return Optional.of(
                    names + ": opened by the peer, which copies device to device without staging");
        }
        return Optional.of(
                names
                        + ": "
                        + (all.size() - fetched)
                        + " of "
                        + all.size()
                        + " segments staged through memory of the host: "
                        + link.staged().orElse("the peer has not answered yet"));
    }
}
