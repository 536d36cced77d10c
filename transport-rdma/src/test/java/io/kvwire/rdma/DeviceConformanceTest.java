package io.kvwire.rdma;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kvwire.ffi.verbs.VerbsLibrary;
import io.kvwire.tck.WireConformance;
import io.kvwire.tck.WireUnderTest;
import io.kvwire.tck.memory.MemoryFabric;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DataPathProvider;
import io.kvwire.transport.spi.Wires;

import org.junit.jupiter.api.Tag;

import java.util.HashMap;
import java.util.List;

/**
 * RDMA passes the whole suite on a device of this host; -Dkvwire.rdma.provider names the provider.
 */
@Tag("rdma")
class DeviceConformanceTest extends WireConformance {

    @Override
    protected WireUnderTest wire() {
        assumeTrue(
                !VerbsLibrary.devices().isEmpty(),
                "no RDMA device: run it with transport-rdma/rig");
        return new DeviceWire();
    }

    private static final class DeviceWire implements WireUnderTest {
        private final MemoryFabric control = MemoryFabric.create();
        private final CuttingPaths cutting = new CuttingPaths();

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
            all.put("rdma.provider", System.getProperty("kvwire.rdma.provider", "panama"));
            return joined.withWireOptions(all);
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
}
