package io.kvwire.tck;

import io.kvwire.tck.memory.MemoryFabric;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.spi.Wires;

import java.util.EnumSet;
import java.util.Set;

/** The reference wire, for the suite's own tests and for tests of what stands on the contract. */
public final class MemoryWire implements WireUnderTest {
    private final MemoryFabric fabric = MemoryFabric.create();

    /** Makes a fabric of its own. */
    public MemoryWire() {}

    @Override
    public String path() {
        return MemoryFabric.NAME;
    }

    @Override
    public Wires wires() {
        return fabric.wires();
    }

    @Override
    public NodeConfig configure(NodeConfig config) {
        return fabric.joined(config);
    }

    @Override
    public Set<Trait> traits() {
        return EnumSet.allOf(Trait.class);
    }

    @Override
    public void cutLaneAfter(long payloadBytes) {
        fabric.cutLaneAfter(payloadBytes);
    }

    @Override
    public void close() {
        fabric.close();
    }
}
