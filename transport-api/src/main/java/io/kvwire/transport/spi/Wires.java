package io.kvwire.transport.spi;

import java.util.Comparator;
import java.util.List;
import java.util.ServiceLoader;

/**
 * The wires and codecs that a node chooses from.
 *
 * @param paths data paths, in any order
 * @param channels control channels, in any order
 * @param codecs in any order
 */
public record Wires(
        List<DataPathProvider> paths,
        List<ControlChannelProvider> channels,
        List<KvCodecProvider> codecs) {
    /** Copies the lists and orders them by rank. */
    public Wires {
        paths = paths.stream().sorted(Comparator.comparingInt(DataPathProvider::rank)).toList();
        channels =
                channels.stream()
                        .sorted(Comparator.comparingInt(ControlChannelProvider::rank))
                        .toList();
        codecs = codecs.stream().sorted(Comparator.comparingInt(KvCodecProvider::rank)).toList();
    }

    /**
     * Wires with the codecs on the class path and module path.
     *
     * @param paths data paths, in any order
     * @param channels control channels, in any order
     */
    public Wires(List<DataPathProvider> paths, List<ControlChannelProvider> channels) {
        this(paths, channels, KvCodecProvider.discovered());
    }

    /** {@return the wires on the class path and module path} */
    public static Wires discovered() {
        return new Wires(
                ServiceLoader.load(DataPathProvider.class).stream()
                        .map(ServiceLoader.Provider::get)
                        .toList(),
                ServiceLoader.load(ControlChannelProvider.class).stream()
                        .map(ServiceLoader.Provider::get)
                        .toList());
    }
}
