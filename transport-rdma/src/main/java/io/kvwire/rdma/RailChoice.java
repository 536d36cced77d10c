package io.kvwire.rdma;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Which ports and addresses of the host to use, and why; a pure function of what the devices say
 * and what the options ask for.
 *
 * @param rails the ports that are used, each with one address
 * @param passed why the others are not
 */
record RailChoice(List<Pick> rails, List<String> passed) {
    /**
     * A port with the address that was chosen for it.
     *
     * @param port which
     * @param gid which of its addresses
     * @param reason why this one
     */
    record Pick(VerbsPort port, Gid gid, String reason) {}

    static RailChoice of(List<VerbsPort> ports, RdmaOptions options) {
        var rails = new ArrayList<Pick>();
        var passed = new ArrayList<String>();
        var wanted = options.devices();
        for (var port : ports) {
            boolean named = wanted.contains(port.device()) || wanted.contains(port.label());
            if (!wanted.isEmpty() && !named) {
                passed.add(port.label() + ": not among rdma.devices " + wanted);
            } else if (!port.active()) {
                passed.add(port.label() + ": the port is down");
            } else {
                choose(port, options, rails, passed);
            }
        }
        for (var name : wanted) {
            if (ports.stream().noneMatch(p -> name.equals(p.device()) || name.equals(p.label()))) {
                passed.add(name + ": named in rdma.devices, and not there");
            }
        }
        return new RailChoice(List.copyOf(rails), List.copyOf(passed));
    }

    private static void choose(
            VerbsPort port, RdmaOptions options, List<Pick> rails, List<String> passed) {
        if (options.gidIndex() >= 0) {
            port.gids().stream()
                    .filter(gid -> gid.index() == options.gidIndex() && !gid.empty())
                    .findFirst()
                    .ifPresentOrElse(
                            gid -> rails.add(new Pick(port, gid, "index set by rdma.gidIndex")),
                            () ->
                                    passed.add(
                                            port.label()
                                                    + ": no GID has the index "
                                                    + options.gidIndex()
                                                    + " (rdma.gidIndex)"));
            return;
        }
        port.gids().stream()
                .filter(gid -> !gid.empty() && usable(port, gid))
                .min(Comparator.comparingInt(RailChoice::order).thenComparingInt(Gid::index))
                .ifPresentOrElse(
                        gid -> rails.add(new Pick(port, gid, reason(gid))),
                        () -> passed.add(port.label() + ": " + without(port)));
    }

    private static boolean usable(VerbsPort port, Gid gid) {
        return port.ethernet() ? gid.kind() == Gid.Kind.ROCE_V2 : gid.kind() == Gid.Kind.INFINIBAND;
    }

    private static int order(Gid gid) {
        return gid.ipv4() ? 0 : gid.linkLocal() ? 2 : 1;
    }

    private static String reason(Gid gid) {
        if (gid.kind() == Gid.Kind.INFINIBAND) {
            return "the first of an InfiniBand port";
        }
        return switch (order(gid)) {
            case 0 -> "RoCE v2 over IPv4";
            case 1 -> "RoCE v2 over routable IPv6: the port has no IPv4 address";
            default -> "RoCE v2 over link-local IPv6: the port has no other address";
        };
    }

    private static String without(VerbsPort port) {
        return port.ethernet()
                ? "no RoCE v2 address: give the network interface an IP address"
                : "no GID";
    }
}
