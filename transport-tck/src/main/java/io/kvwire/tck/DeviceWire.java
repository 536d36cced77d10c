package io.kvwire.tck;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.RunCursor;
import io.kvwire.transport.spi.Wires;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/**
 * A wire whose nodes have their caches in memory of a device, so that the whole suite runs over
 * staging: memory that says the host cannot address it, which only the suite and the device do.
 */
public final class DeviceWire implements WireUnderTest {
    private final WireUnderTest wire;
    private final DeviceMemory device = new DistantMemory();

    /**
     * Puts the caches of a wire's nodes on a device.
     *
     * @param wire to be tested
     */
    public DeviceWire(WireUnderTest wire) {
        this.wire = wire;
    }

    /** Memory of the host behind the face of a device. */
    private static final class DistantMemory implements DeviceMemory {
        @Override
        public String device() {
            return "distant:0";
        }

        @Override
        public boolean hostAccessible() {
            return false;
        }

        @Override
        public MemorySegment allocate(long bytes, long alignment) {
            throw new TransferException(
                    ErrorCode.RESOURCE_EXHAUSTED, "the suite allocates what it compares");
        }

        @Override
        public void free(MemorySegment memory) {
            throw new TransferException(ErrorCode.OUT_OF_RANGE, "nothing was allocated here");
        }

        @Override
        public void gather(RunCursor source, MemorySegment target) {
            long at = 0;
            while (source.next()) {
                MemorySegment.copy(source.segment(), source.offset(), target, at, source.length());
                at += source.length();
            }
        }

        @Override
        public void scatter(MemorySegment source, RunCursor target) {
            long at = 0;
            while (target.next()) {
                MemorySegment.copy(source, at, target.segment(), target.offset(), target.length());
                at += target.length();
            }
        }

        @Override
        public void close() {
            // The memory is the suite's.
        }
    }

    @Override
    public Optional<DeviceMemory> device() {
        return Optional.of(device);
    }

    @Override
    public String path() {
        return wire.path();
    }

    @Override
    public Wires wires() {
        return wire.wires();
    }

    @Override
    public NodeConfig configure(NodeConfig config) {
        return wire.configure(config);
    }

    @Override
    public Arena arena() {
        return wire.arena();
    }

    /** Blocks are scattered into place, so none are received there. */
    @Override
    public Set<Trait> traits() {
        var traits = EnumSet.copyOf(wire.traits());
        traits.remove(Trait.RECEIVES_IN_PLACE);
        return traits;
    }

    @Override
    public String codec() {
        return wire.codec();
    }

    @Override
    public void cutLaneAfter(long payloadBytes) {
        wire.cutLaneAfter(payloadBytes);
    }

    @Override
    public Set<String> sharedThreads() {
        return wire.sharedThreads();
    }

    @Override
    public long nativeBytes() {
        return wire.nativeBytes();
    }

    @Override
    public void close() {
        wire.close();
    }
}
