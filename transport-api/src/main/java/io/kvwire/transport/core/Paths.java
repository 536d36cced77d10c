package io.kvwire.transport.core;

import io.kvwire.transport.Access;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DataPath;
import io.kvwire.transport.spi.DataPathProvider;
import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.DeviceReach;
import io.kvwire.transport.spi.Wires;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;

/** The data paths of a node, best first, and why the others are not among them. */
final class Paths {
    /** The answer to a peer's offer. */
    record Choice(DataPath path, Hello.Offer offer, String reason, List<Hello.Refusal> rejected) {}

    private final NodeConfig config;
    private final List<DataPath> open;
    private final List<Hello.Refusal> rejected;

    private Paths(NodeConfig config, List<DataPath> open, List<Hello.Refusal> rejected) {
        this.config = config;
        this.open = open;
        this.rejected = rejected;
    }

    static Paths open(NodeConfig config, Wires wires) {
        var open = new ArrayList<DataPath>();
        var rejected = new ArrayList<Hello.Refusal>();
        for (var provider : wanted(config, wires, rejected)) {
            var why = provider.unavailable(config);
            if (why.isPresent()) {
                rejected.add(new Hello.Refusal(provider.name(), why.get()));
                continue;
            }
            try {
                open.add(provider.open(config));
            } catch (TransferException e) {
                rejected.add(new Hello.Refusal(provider.name(), e.getMessage()));
            }
        }
        var paths = new Paths(config, List.copyOf(open), List.copyOf(rejected));
        if (open.isEmpty()) {
            throw new TransferException(
                    ErrorCode.PATH_UNAVAILABLE,
                    "node '" + config.name() + "' has no path" + paths.reasons(rejected));
        }
        return paths;
    }

    private static List<DataPathProvider> wanted(
            NodeConfig config, Wires wires, List<Hello.Refusal> rejected) {
        var names = new ArrayList<>(config.paths());
        if (names.isEmpty()) {
            wires.paths().forEach(provider -> names.add(provider.name()));
        }
        config.requiredPath().filter(path -> !names.contains(path)).ifPresent(names::addFirst);
        var wanted = new ArrayList<DataPathProvider>();
        for (var name : names) {
            if (config.requiredPath().isPresent() && !config.requiredPath().get().equals(name)) {
                rejected.add(
                        new Hello.Refusal(
                                name,
                                "'" + config.name() + "' requires " + config.requiredPath().get()));
                continue;
            }
            wires.paths().stream()
                    .filter(provider -> provider.name().equals(name))
                    .findFirst()
                    .ifPresentOrElse(
                            wanted::add,
                            () ->
                                    rejected.add(
                                            new Hello.Refusal(
                                                    name,
                                                    "no wire of this name is on the module path")));
        }
        for (var provider : wires.paths()) {
            if (!names.contains(provider.name())) {
                rejected.add(
                        new Hello.Refusal(
                                provider.name(), "not among the paths of '" + config.name() + "'"));
            }
        }
        return wanted;
    }

    private String reasons(List<Hello.Refusal> refusals) {
        var text = new StringBuilder();
        refusals.forEach(refusal ->
                text.append("; ").append(refusal.path()).append(": ").append(refusal.reason()));
        return text.toString();
    }

    List<Hello.Offer> offers() {
        return open.stream().map(path -> new Hello.Offer(path.name(), path.endpoint())).toList();
    }

    List<Hello.Refusal> rejected() {
        return rejected;
    }

    /** The open path of a name, or null. */
    DataPath named(String name) {
        return open.stream().filter(path -> path.name().equals(name)).findFirst().orElse(null);
    }

    /** Chooses the first path of a peer's offers that this node has open too, and that reaches. */
    Choice choose(Hello hello) {
        var passed = new ArrayList<Hello.Refusal>(hello.rejected());
        Choice choice = null;
        for (var offer : hello.paths()) {
            var path = named(offer.path());
            var against =
                    choice == null ? against(path, offer) : after(choice.path.name(), hello.name());
            if (against.isPresent()) {
                passed.add(new Hello.Refusal(offer.path(), against.get()));
            } else {
                choice =
                        new Choice(
                                path,
                                offer,
                                "first in the order of '"
                                        + hello.name()
                                        + "' that '"
                                        + config.name()
                                        + "' has too",
                                passed);
            }
        }
        if (choice == null) {
            rejected.stream()
                    .filter(mine -> passed.stream().noneMatch(r -> r.path().equals(mine.path())))
                    .forEach(passed::add);
            throw new TransferException(
                    ErrorCode.PATH_UNAVAILABLE,
                    "no path from '"
                            + hello.name()
                            + "' to '"
                            + config.name()
                            + "'"
                            + reasons(passed));
        }
        return choice;
    }

    private static Optional<String> after(String chosen, String peer) {
        return Optional.of("comes after " + chosen + " in the order of '" + peer + "'");
    }

    /** What speaks against a path that the peer offers; the path is null when it is not here. */
    private Optional<String> against(DataPath path, Hello.Offer offer) {
        return path == null
                ? Optional.of(why(offer.path()))
                : path.unreachable(offer.endpoint())
                        .map(why -> "at '" + config.name() + "': " + why);
    }

    private String why(String name) {
        return rejected.stream()
                .filter(refusal -> refusal.path().equals(name))
                .map(refusal -> "at '" + config.name() + "': " + refusal.reason())
                .findFirst()
                .orElse("'" + config.name() + "' does not have it");
    }

    void memoryAdded(MemorySegment memory, Access access) {
        open.forEach(path -> path.memoryAdded(memory, access));
    }

    /** Offers the memory of a device to each path. */
    DeviceReaches offer(Set<MemorySegment> memory, DeviceMemory device, Access access) {
        var reaches = new TreeMap<String, DeviceReach>();
        open.forEach(path -> reaches.put(path.name(), offer(path, memory, device, access)));
        return new DeviceReaches(device.device(), reaches);
    }

    /** A path moves all of the memory itself, or none of it. */
    private static DeviceReach offer(
            DataPath path, Set<MemorySegment> memory, DeviceMemory device, Access access) {
        var taken = new ArrayList<MemorySegment>();
        var hows = new LinkedHashSet<String>();
        for (var segment : memory) {
            var reach = path.deviceMemoryAdded(segment, device, access);
            if (!reach.direct()) {
                taken.forEach(path::memoryRemoved);
                return reach;
            }
            taken.add(segment);
            hows.add(reach.how());
        }
        return DeviceReach.direct(String.join(", ", hows));
    }

    /** Ends what {@link #offer} began. */
    void deviceMemoryRemoved(Set<MemorySegment> memory, DeviceReaches reaches) {
        open.stream()
                .filter(path -> reaches.direct(path.name()))
                .forEach(path -> memory.forEach(path::memoryRemoved));
    }

    void memoryRemoved(MemorySegment memory) {
        open.forEach(path -> path.memoryRemoved(memory));
    }

    void peerMemoryAdded(MemorySegment memory, DeviceMemory device) {
        open.forEach(path -> path.peerMemoryAdded(memory, device));
    }

    /** Completes when no peer has the memory open any more. */
    CompletableFuture<Void> peerMemoryRemoved(MemorySegment memory) {
        return CompletableFuture.allOf(
                open.stream()
                        .map(path -> path.peerMemoryRemoved(memory))
                        .toArray(CompletableFuture<?>[]::new));
    }

    void close() {
        open.forEach(DataPath::close);
    }
}
