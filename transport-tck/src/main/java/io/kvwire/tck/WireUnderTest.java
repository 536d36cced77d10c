package io.kvwire.tck;

import io.kvwire.transport.CodecConfig;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.Wires;

import java.lang.foreign.Arena;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/**
 * A wire as the conformance suite sees it: how to start nodes on it, and what it can do. Made anew
 * for each test and closed after it.
 *
 * <p>Implementations must be thread-safe after construction.
 */
public interface WireUnderTest extends AutoCloseable {
    /** What a wire can do beyond what every wire must. Tests that need more are skipped visibly. */
    enum Trait {
        /**
         * The owner of memory checks each reference before a byte is moved; one-sided wires cannot.
         */
        OWNER_CHECKS,
        /** Payload of equal layouts lands in the target without a copy in user space. */
        RECEIVES_IN_PLACE,
        /** Peers read blocks of each other in place, out of {@link WireUnderTest#arena}. */
        SHOWS_IN_PLACE,
        /** {@link WireUnderTest#cutLaneAfter} works. */
        CUTS_LANES
    }

    /** {@return the name of the path, as the path report gives it} */
    String path();

    /** {@return the providers of the path and of a control channel} */
    Wires wires();

    /**
     * {@return a configuration with what this wire needs}
     *
     * @param config what the test needs; listens on a free loopback port, offers every path
     */
    default NodeConfig configure(NodeConfig config) {
        return config;
    }

    /** {@return a new arena for the memory of nodes, shared among threads; closed by the test} */
    default Arena arena() {
        return Arena.ofShared();
    }

    /** {@return the device that caches are memory of; none, unless a {@link DeviceWire} is here} */
    default Optional<DeviceMemory> device() {
        return Optional.empty();
    }

    /**
     * {@return what the wire can do; all of it but {@link Trait#SHOWS_IN_PLACE}, unless it says
     * otherwise}
     */
    default Set<Trait> traits() {
        return EnumSet.complementOf(EnumSet.of(Trait.SHOWS_IN_PLACE));
    }

    /** {@return the codec that blocks go through; raw, unless a {@link CodedWire} stands here} */
    default String codec() {
        return CodecConfig.RAW_NAME;
    }

    /**
     * Breaks one lane, as a cut cable would, when so many more bytes of payload have gone over the
     * lanes of this wire. Called only with {@link Trait#CUTS_LANES}.
     *
     * @param payloadBytes about how many, from now on
     */
    default void cutLaneAfter(long payloadBytes) {
        throw new UnsupportedOperationException(path() + " does not cut lanes");
    }

    /**
     * {@return prefixes of names of threads that outlive nodes because the whole JVM shares them}
     */
    default Set<String> sharedThreads() {
        return Set.of();
    }

    /** {@return native memory that the wire holds outside arenas and direct buffers, in bytes} */
    default long nativeBytes() {
        return 0;
    }

    /** Gives back what the wire holds apart from its nodes. */
    @Override
    default void close() {}
}
