package io.kvwire.rdma;

import io.kvwire.tck.WireUnderTest;
import io.kvwire.tck.memory.MemoryFabric;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DataPathProvider;
import io.kvwire.transport.spi.Wires;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** RDMA over a simulated network for the conformance suite. */
final class SimWire implements WireUnderTest {
    private final SimFabric fabric;
    private final MemoryFabric control = MemoryFabric.create();
    private final CuttingPaths cutting = new CuttingPaths();
    private final Map<String, String> options;
    private final int devices;

    SimWire(long seed, SimFabric.Weather weather, int devices, Map<String, String> options) {
        this(new SimFabric(seed, weather), devices, options);
    }

    SimWire(SimFabric fabric, int devices, Map<String, String> options) {
        this.fabric = fabric.start();
        this.devices = devices;
        this.options = options;
    }

    @Override
    public String path() {
        return RdmaDataPath.NAME;
    }

    @Override
    public Wires wires() {
        return new Wires(
                List.<DataPathProvider>of(cutting.around(fabric.host(devices))),
                control.wires().channels());
    }

    @Override
    public NodeConfig configure(NodeConfig config) {
        var joined = control.joined(config);
        var all = new HashMap<>(joined.wireOptions());
        all.putAll(options);
        return joined.withWireOptions(all);
    }

    @Override
    public void cutLaneAfter(long payloadBytes) {
        cutting.cutAfter(
                payloadBytes, new TransferException(ErrorCode.LANE_LOST, "cut by the test"));
    }

    @Override
    public Set<String> sharedThreads() {
        return Set.of("sim-fabric");
    }

    @Override
    public void close() {
        fabric.close();
        control.close();
    }
}
