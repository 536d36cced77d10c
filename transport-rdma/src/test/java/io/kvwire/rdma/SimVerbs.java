package io.kvwire.rdma;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The verbs of one simulated host. */
final class SimVerbs implements Verbs {
    static final String NAME = "simulated";

    private final SimFabric fabric;
    private final List<VerbsPort> ports = new ArrayList<>();
    boolean immediates = true;
    DeviceLimits limits = new DeviceLimits(1024, 8, 1 << 16, 1 << 15, 16, 1 << 10);

    SimVerbs(SimFabric fabric, int host, int devices) {
        this.fabric = fabric;
        for (int i = 0; i < devices; i++) {
            long ipv4 = 0x0A000000L | i << 16 | host + 1;
            var gid = new Gid(1, Gid.Kind.ROCE_V2, 0, 0xFFFFL << 32 | ipv4);
            ports.add(new VerbsPort("sim" + i, 1, true, true, 0, 4096, List.of(gid)));
        }
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Optional<String> unavailable() {
        return Optional.empty();
    }

    @Override
    public Optional<String> unmanageable() {
        return Optional.empty();
    }

    @Override
    public List<VerbsPort> ports() {
        return ports;
    }

    @Override
    public VerbsDevice open(String device) {
        return new SimDevice(fabric, limits, immediates);
    }
}
