package io.kvwire.pcie;

import io.kvwire.tck.WireUnderTest;
import io.kvwire.tck.memory.MemoryFabric;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DataPathProvider;
import io.kvwire.transport.spi.Wires;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Shared memory for the conformance suite; both nodes are in this process. */
class PcieWire implements WireUnderTest {
    private final MemoryFabric control = MemoryFabric.create();
    private final CuttingPaths cutting = new CuttingPaths();
    private final Path directory;
    private final boolean shared;
    private final Map<String, String> options;

    /**
     * Makes a wire.
     *
     * @param shared whether caches lie in memory that peers can be shown
     * @param options of the wire
     */
    PcieWire(boolean shared, Map<String, String> options) {
        this.shared = shared;
        this.options = options;
        try {
            directory = Files.createTempDirectory("kvwire-pcie");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public String path() {
        return PcieDataPath.NAME;
    }

    @Override
    public Wires wires() {
        return new Wires(
                List.<DataPathProvider>of(cutting.around(new PcieDataPathProvider())),
                control.wires().channels());
    }

    @Override
    public NodeConfig configure(NodeConfig config) {
        var joined = control.joined(config);
        var all = new HashMap<>(joined.wireOptions());
        all.put("pcie.directory", directory.toString());
        all.putAll(options);
        return joined.withWireOptions(all);
    }

    @Override
    public Arena arena() {
        return shared ? SharedArena.open() : Arena.ofShared();
    }

    @Override
    public Set<Trait> traits() {
        return shared ? EnumSet.allOf(Trait.class) : WireUnderTest.super.traits();
    }

    @Override
    public void cutLaneAfter(long payloadBytes) {
        cutting.cutAfter(
                payloadBytes, new TransferException(ErrorCode.LANE_LOST, "cut by the test"));
    }

    /** Every socket must be gone with its node. */
    @Override
    public void close() {
        control.close();
        try {
            Files.delete(directory);
        } catch (IOException e) {
            throw new UncheckedIOException("sockets are left", e);
        }
    }
}
