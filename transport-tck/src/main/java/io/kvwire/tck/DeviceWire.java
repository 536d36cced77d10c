package io.kvwire.tck;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.DmaBuf;
import io.kvwire.transport.spi.NicAccess;
import io.kvwire.transport.spi.RunCursor;
import io.kvwire.transport.spi.Wires;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/**
 * A wire whose nodes have their caches in memory of a device, so that the whole suite runs over
 * staging: memory that says the host cannot address it, which only the suite and the device do. Or
 * over what the wire's own NIC reaches, where it has one.
 */
public final class DeviceWire implements WireUnderTest {
    private final WireUnderTest wire;
    private final DistantMemory device;

    /**
     * Puts the caches of a wire's nodes on a device whose memory is open to nobody else.
     *
     * @param wire to be tested
     */
    public DeviceWire(WireUnderTest wire) {
        this(wire, Optional.empty());
    }

    private DeviceWire(WireUnderTest wire, Optional<NicAccess> nicAccess) {
        this.wire = wire;
        device = new DistantMemory(nicAccess);
    }

    /**
     * {@return a wire whose nodes have their caches on a device that NICs reach by address}
     *
     * @param wire to be tested
     */
    public static DeviceWire openToNics(WireUnderTest wire) {
        return new DeviceWire(wire, Optional.of(new ByAddress()));
    }

    /** Memory of the host is good for every NIC. */
    private static final class ByAddress implements NicAccess {
        @Override
        public DmaBuf dmaBuf(MemorySegment memory) {
            throw new TransferException(
                    ErrorCode.PATH_UNAVAILABLE, "memory of the suite has no dma-buf");
        }

        @Override
        public void preparePeerMemory(MemorySegment memory) {
            // There is nothing to prepare.
        }

        @Override
        public String peerMemoryAdvice() {
            return "the suite's memory is the host's";
        }

        @Override
        public void settle() {
            // What is written to memory of the host is visible.
        }
    }

    /** Memory of the host behind the face of a device. */
    private static final class DistantMemory implements DeviceMemory {
        private final Optional<NicAccess> nicAccess;

        DistantMemory(Optional<NicAccess> nicAccess) {
            this.nicAccess = nicAccess;
        }

        @Override
        public Optional<NicAccess> nicAccess() {
            return nicAccess;
        }

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

    /**
     * Blocks are scattered into place, so none are received there, unless a NIC does that; and no
     * other process reads them there.
     */
    @Override
    public Set<Trait> traits() {
        var traits = EnumSet.copyOf(wire.traits());
        traits.remove(Trait.SHOWS_IN_PLACE);
        if (device.nicAccess().isEmpty()) {
            traits.remove(Trait.RECEIVES_IN_PLACE);
        }
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
