package io.kvwire.rdma;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DataPath;
import io.kvwire.transport.spi.DataPathProvider;

import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** Offers the RDMA data path where a device and a way to call its verbs are there. */
public final class RdmaDataPathProvider implements DataPathProvider {
    private static final int RANK = 50;
    private static final String AUTO = "auto";

    private final List<Verbs> providers;

    /** For ServiceLoader. */
    public RdmaDataPathProvider() {
        this(List.of(NativeVerbs.panama(), NativeVerbs.disni(), new JverbsVerbs()));
    }

    RdmaDataPathProvider(List<Verbs> providers) {
        this.providers = List.copyOf(providers);
    }

    @Override
    public String name() {
        return RdmaDataPath.NAME;
    }

    @Override
    public int rank() {
        return RANK;
    }

    @Override
    public Optional<String> unavailable(NodeConfig config) {
        try {
            var options = RdmaOptions.of(config);
            var verbs = verbs(options);
            RdmaDataPath.require(verbs, RdmaDataPath.managed(verbs, options));
            require(choose(verbs, options));
            return Optional.empty();
        } catch (TransferException e) {
            return Optional.of(e.getMessage());
        }
    }

    @Override
    public DataPath open(NodeConfig config) {
        var options = RdmaOptions.of(config);
        var verbs = verbs(options);
        RdmaDataPath.require(verbs, RdmaDataPath.managed(verbs, options));
        var choice = choose(verbs, options);
        require(choice);
        return new RdmaDataPath(config, options, verbs, choice).start();
    }

    /** The first provider that works here, or the one that is asked for. */
    private Verbs verbs(RdmaOptions options) {
        var wanted = options.provider();
        var candidates =
                providers.stream()
                        .filter(verbs -> wanted.equals(AUTO) || wanted.equals(verbs.name()))
                        .toList();
        return candidates.stream()
                .filter(verbs -> verbs.unavailable().isEmpty())
                .findFirst()
                .orElseThrow(() ->
                        new TransferException(
                                ErrorCode.PATH_UNAVAILABLE,
                                candidates.isEmpty()
                                        ? "there is no verbs provider '" + wanted + "'"
                                        : reasons(candidates)));
    }

    private static String reasons(List<Verbs> candidates) {
        return candidates.stream()
                .map(verbs -> verbs.name() + ": " + verbs.unavailable().orElse("works"))
                .collect(Collectors.joining("; "));
    }

    private static RailChoice choose(Verbs verbs, RdmaOptions options) {
        return RailChoice.of(verbs.ports(), options);
    }

    private static void require(RailChoice choice) {
        if (choice.rails().isEmpty()) {
            throw new TransferException(
                    ErrorCode.PATH_UNAVAILABLE,
                    choice.passed().isEmpty()
                            ? "no RDMA device is there: see `kvwire doctor`"
                            : "no usable RDMA port: " + String.join("; ", choice.passed()));
        }
    }
}
