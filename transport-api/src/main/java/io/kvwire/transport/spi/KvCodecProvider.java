package io.kvwire.transport.spi;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;

/** Makes codecs; named in {@code provides} of the codec's module and found by ServiceLoader. */
public interface KvCodecProvider {
    /** {@return the name that the handshake agrees on, see {@link KvCodec#name()}} */
    String name();

    /** {@return the place in the order of preference: lower is offered first; raw has 100} */
    int rank();

    /**
     * Makes a codec for one thread.
     *
     * @param model what the values mean; goes into each frame, and what arrives must say the same
     * @return the codec
     */
    KvCodec create(KvModel model);

    /** {@return the codecs on the class path and module path, best first} */
    static List<KvCodecProvider> discovered() {
        return ServiceLoader.load(KvCodecProvider.class).stream()
                .map(ServiceLoader.Provider::get)
                .sorted(Comparator.comparingInt(KvCodecProvider::rank))
                .toList();
    }

    /**
     * {@return the codec of a name, or empty when none is found}
     *
     * @param name see {@link #name()}
     */
    static Optional<KvCodecProvider> named(String name) {
        return discovered().stream().filter(provider -> provider.name().equals(name)).findFirst();
    }
}
