package io.kvwire.pcie;

import io.kvwire.tck.WireConformance;
import io.kvwire.tck.WireUnderTest;
import io.kvwire.tck.WireUnderTest.Trait;

import java.util.EnumSet;
import java.util.Map;
import java.util.Set;

/** The whole suite on caches in private memory that nobody may read: copied through a ring. */
class RingConformanceTest extends WireConformance {
    @Override
    protected WireUnderTest wire() {
        return new PcieWire(
                false,
                Map.of(
                        "pcie.private",
                        "ring",
                        "pcie.eagerBytes",
                        "64",
                        "pcie.ringBytes",
                        Integer.toString(256 << 10))) {
            @Override
            public Set<Trait> traits() {
                var traits = EnumSet.copyOf(super.traits());
                traits.remove(Trait.RECEIVES_IN_PLACE);
                return traits;
            }
        };
    }
}
