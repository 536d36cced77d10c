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

    /**
     * Makes a codec for one thread that encodes with options. What it decodes does not depend on
     * them: frames describe themselves.
     *
     * @param model what the values mean; goes into each frame, and what arrives must say the same
     * @param options {@code key=value}, separated by commas; empty for the defaults
     * @return the codec
     * @throws IllegalArgumentException naming the option that this codec does not have
     */
    default KvCodec create(KvModel model, String options) {
        if (!options.isEmpty()) {
            throw new IllegalArgumentException("codec " + name() + " has no options: " + options);
        }
        return create(model);
    }

    /**
     * Makes the codec that a text describes: a name, then perhaps options, as in {@code
     * int8,scales=fp16,keys=hadamard}.
     *
     * @param text the name and the options
     * @param model what the values mean
     * @return the codec, for one thread
     * @throws IllegalArgumentException when there is no such codec or option; the message lists
     *     what there is
     */
    static KvCodec create(String text, KvModel model) {
        int comma = text.indexOf(',');
        var name = comma < 0 ? text : text.substring(0, comma);
        var provider =
                named(name)
                        .orElseThrow(() ->
                                new IllegalArgumentException(
                                        "no codec " + name + "; there are: " + names()));
        return provider.create(model, comma < 0 ? "" : text.substring(comma + 1));
    }

    private static String names() {
        return String.join(", ", discovered().stream().map(KvCodecProvider::name).toList());
    }

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
