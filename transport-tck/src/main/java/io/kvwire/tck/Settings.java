package io.kvwire.tck;

import io.kvwire.transport.Limits;
import io.kvwire.transport.NodeConfig;

import java.time.Duration;
import java.util.function.UnaryOperator;

/** Settings of nodes that several groups use. */
final class Settings {
    static final Duration PEER_TIMEOUT = Duration.ofSeconds(1);

    private Settings() {}

    /** Little may be on its way to a peer. */
    static UnaryOperator<NodeConfig> window(long bytes) {
        return limits(limits -> limits.withInFlight(256, 4096, bytes));
    }

    static UnaryOperator<NodeConfig> inFlight(int transfers, int queued, long windowBytes) {
        return limits(limits -> limits.withInFlight(transfers, queued, windowBytes));
    }

    /** A silent peer is found out soon. */
    static UnaryOperator<NodeConfig> quickHeartbeats() {
        return limits(limits -> limits.withHeartbeats(Duration.ofMillis(100), PEER_TIMEOUT));
    }

    static UnaryOperator<NodeConfig> limits(UnaryOperator<Limits> change) {
        return config -> config.withLimits(change.apply(config.limits()));
    }

    static UnaryOperator<NodeConfig> lanes(int count) {
        return config -> config.withLanes(count);
    }
}
