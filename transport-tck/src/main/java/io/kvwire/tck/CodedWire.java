package io.kvwire.tck;

import io.kvwire.transport.CodecConfig;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.KvCodecProvider;
import io.kvwire.transport.spi.Wires;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/**
 * A wire whose nodes send blocks through a codec, so that the whole suite runs over a staged
 * transfer too:
 *
 * {@snippet :
 * protected WireUnderTest wire() {
 *     return new CodedWire(new TcpWire(), new ScrambleProvider(new CodecTap()), CodecConfig.of("scramble"));
 * }
 * }
 */
public final class CodedWire implements WireUnderTest {
    private final WireUnderTest wire;
    private final KvCodecProvider provider;
    private final CodecConfig codec;

    /**
     * Puts a codec on a wire.
     *
     * @param wire to be tested
     * @param provider of the codec, besides those on the module path
     * @param codec of nodes that ask for none; lossless, or the suite finds changed blocks
     */
    public CodedWire(WireUnderTest wire, KvCodecProvider provider, CodecConfig codec) {
        this.wire = wire;
        this.provider = provider;
        this.codec = codec;
    }

    @Override
    public String path() {
        return wire.path();
    }

    @Override
    public Wires wires() {
        var wires = wire.wires();
        var codecs = new ArrayList<>(wires.codecs());
        codecs.removeIf(known -> known.name().equals(provider.name()));
        codecs.add(provider);
        return new Wires(wires.paths(), wires.channels(), codecs);
    }

    @Override
    public NodeConfig configure(NodeConfig config) {
        var configured = wire.configure(config);
        return configured.codec().equals(CodecConfig.RAW)
                ? configured.withCodec(codec)
                : configured;
    }

    @Override
    public Arena arena() {
        return wire.arena();
    }

    @Override
    public Optional<DeviceMemory> device() {
        return wire.device();
    }

    /** Blocks are decoded into place, so none are received there. */
    @Override
    public Set<Trait> traits() {
        var traits = EnumSet.copyOf(wire.traits());
        traits.remove(Trait.RECEIVES_IN_PLACE);
        return traits;
    }

    @Override
    public String codec() {
        return provider.name();
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
