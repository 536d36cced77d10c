package io.kvwire.pcie;

import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.kvwire.ffi.cuda.Context;
import io.kvwire.pcie.cuda.CudaMemory;
import io.kvwire.pcie.cuda.TestDriver;
import io.kvwire.tck.WireConformance;
import io.kvwire.tck.WireUnderTest;
import io.kvwire.transport.spi.DeviceMemory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The whole suite with all caches in memory of a simulated GPU, copied from device to device, and
 * staged until the peer has opened it. The suite looks into the memory, so it runs on no real one.
 */
class DeviceMemoryConformanceTest extends WireConformance {
    @Override
    protected WireUnderTest wire() {
        assumeFalse(TestDriver.isReal(), "the suite reads what only the simulated GPU lets it");
        return new GpuWire(TestDriver.open());
    }

    private static final class GpuWire extends PcieWire {
        private final Context context;
        private final CudaMemory memory;

        GpuWire(Context context) {
            super(false, Map.of("pcie.frames", "3"));
            this.context = context;
            memory = new CudaMemory("cuda:0", context);
        }

        @Override
        public Optional<DeviceMemory> device() {
            return Optional.of(memory);
        }

        @Override
        public Arena arena() {
            return new DeviceArena(memory, Arena.ofShared());
        }

        @Override
        public Set<Trait> traits() {
            var traits = EnumSet.copyOf(super.traits());
            traits.remove(Trait.RECEIVES_IN_PLACE);
            return traits;
        }

        @Override
        public void close() {
            super.close();
            memory.close();
            context.close();
        }
    }

    /** Memory of the device, which its {@link CudaMemory} frees with everything else. */
    private record DeviceArena(CudaMemory memory, Arena life) implements Arena {
        @Override
        public MemorySegment allocate(long bytes, long alignment) {
            return memory.allocate(bytes, alignment);
        }

        @Override
        public MemorySegment.Scope scope() {
            return life.scope();
        }

        @Override
        public void close() {
            life.close();
        }
    }
}
