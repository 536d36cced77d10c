package io.kvwire.rdma;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kvwire.ffi.verbs.VerbsLibrary;
import io.kvwire.tck.WireUnderTest;
import io.kvwire.tck.memory.MemoryFabric;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.Limits;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DataPathProvider;
import io.kvwire.transport.spi.Wires;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** RDMA on a device of this host; -Dkvwire.rdma.provider names the provider. */
final class DeviceWire implements WireUnderTest {
    private static final String WITHOUT_WINDOWS = "jverbs";

    private final MemoryFabric control = MemoryFabric.create();
    private final CuttingPaths cutting = new CuttingPaths();
    private final Map<String, String> options;

    DeviceWire(Map<String, String> options) {
        this.options = options;
    }

    /** Skips tests where there is no device. */
    static void assumePresent() {
        assumeTrue(
                !VerbsLibrary.devices().isEmpty(),
                "no RDMA device: run it with transport-rdma/rig");
    }

    @Override
    public String path() {
        return RdmaDataPath.NAME;
    }

    @Override
    public Wires wires() {
        return new Wires(
                List.<DataPathProvider>of(cutting.around(new RdmaDataPathProvider())),
                control.wires().channels());
    }

    @Override
    public NodeConfig configure(NodeConfig config) {
        var joined = control.joined(config);
        var all = new HashMap<>(joined.wireOptions());
        var provider = System.getProperty("kvwire.rdma.provider", "panama");
        all.put("rdma.provider", provider);
        if (!provider.equals(WITHOUT_WINDOWS)) {
            all.put("rdma.keys", "windows");
            // Soft-RoCE does not bear that anything is sent again while windows are bound.
            all.put("rdma.timeout", "19");
        }
        all.putAll(options);
        return withTimeToConnect(joined.withWireOptions(all));
    }

    /** An emulated processor takes seconds for what a real one does in milliseconds. */
    private static NodeConfig withTimeToConnect(NodeConfig config) {
        var limits = config.limits();
        return limits.handshakeTimeout().equals(Limits.DEFAULT.handshakeTimeout())
                ? config.withLimits(limits.withHandshakeTimeout(Duration.ofSeconds(24)))
                : config;
    }

    @Override
    public void cutLaneAfter(long payloadBytes) {
        cutting.cutAfter(
                payloadBytes, new TransferException(ErrorCode.LANE_LOST, "cut by the test"));
    }

    @Override
    public void close() {
        control.close();
    }
}
