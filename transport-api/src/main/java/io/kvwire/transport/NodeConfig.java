package io.kvwire.transport;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * How a node is set up. Immutable: each {@code with} method gives a changed copy.
 *
 * @param name as peers see it in their logs and errors, at most {@link #MAX_NAME_BYTES} bytes of
 *     UTF-8
 * @param listen where to listen, or empty to only connect
 * @param paths the paths to offer, best first; empty for all that are found, best first
 * @param requiredPath the path that every connection must use, or empty
 * @param lanes connections, or queue pairs, to each peer
 * @param waitMode how the wire's threads wait
 * @param tls mutual TLS, or empty for none
 * @param bytesPerSecond limit on what this node sends over all its data lanes, or empty for none
 * @param limits bounds on everything
 * @param listener receives events
 * @param wireOptions options for single wires, each named {@code wire.option}
 * @param codec how blocks look on the wire
 */
public record NodeConfig(
        String name,
        Optional<NodeAddress> listen,
        List<String> paths,
        Optional<String> requiredPath,
        int lanes,
        WaitMode waitMode,
        Optional<TlsConfig> tls,
        OptionalLong bytesPerSecond,
        Limits limits,
        NodeListener listener,
        Map<String, String> wireOptions,
        CodecConfig codec) {

    /** The longest name, in bytes of UTF-8. */
    public static final int MAX_NAME_BYTES = 255;

    /** The most lanes to one peer. */
    public static final int MAX_LANES = 64;

    /** How the threads of a wire wait for work. */
    public enum WaitMode {
        /** Sleep in the kernel until there is work. */
        SLEEP,
        /** Poll without sleeping where work is awaited: the lowest latency, for whole cores. */
        SPIN
    }

    /** Checks the values and copies the collections. */
    public NodeConfig {
        int nameBytes = name.getBytes(StandardCharsets.UTF_8).length;
        if (name.isBlank() || nameBytes > MAX_NAME_BYTES) {
            throw new IllegalArgumentException(
                    "node name of "
                            + nameBytes
                            + " bytes: need 1 to "
                            + MAX_NAME_BYTES
                            + ", not blank");
        }
        if (name.chars().anyMatch(Character::isISOControl)) {
            throw new IllegalArgumentException("node name with control characters");
        }
        if (lanes < 1 || lanes > MAX_LANES) {
            throw new IllegalArgumentException(lanes + " lanes: need 1 to " + MAX_LANES);
        }
        if (bytesPerSecond.isPresent() && bytesPerSecond.getAsLong() < 1) {
            throw new IllegalArgumentException(
                    "bytesPerSecond is " + bytesPerSecond.getAsLong() + ": need at least 1");
        }
        Objects.requireNonNull(listen, "listen");
        Objects.requireNonNull(waitMode, "waitMode");
        Objects.requireNonNull(tls, "tls");
        Objects.requireNonNull(limits, "limits");
        Objects.requireNonNull(listener, "listener");
        Objects.requireNonNull(codec, "codec");
        paths = List.copyOf(paths);
        wireOptions = Map.copyOf(wireOptions);
        if (requiredPath.isPresent() && !paths.isEmpty() && !paths.contains(requiredPath.get())) {
            throw new IllegalArgumentException(
                    "path "
                            + requiredPath.get()
                            + " is required but not among those offered: "
                            + paths);
        }
    }

    /**
     * {@return a configuration that listens on a free loopback port and offers every path}
     *
     * @param name as peers see it
     */
    public static NodeConfig named(String name) {
        return new NodeConfig(
                name,
                Optional.of(NodeAddress.LOOPBACK),
                List.of(),
                Optional.empty(),
                2,
                WaitMode.SLEEP,
                Optional.empty(),
                OptionalLong.empty(),
                Limits.DEFAULT,
                new NodeListener() {},
                Map.of(),
                CodecConfig.RAW);
    }

    /**
     * {@return a copy that listens elsewhere}
     *
     * @param address where to listen; port 0 for any free one
     */
    public NodeConfig withListen(NodeAddress address) {
        return new NodeConfig(
                name,
                Optional.of(address),
                paths,
                requiredPath,
                lanes,
                waitMode,
                tls,
                bytesPerSecond,
                limits,
                listener,
                wireOptions,
                codec);
    }

    /** {@return a copy that does not listen} */
    public NodeConfig connectOnly() {
        return new NodeConfig(
                name,
                Optional.empty(),
                paths,
                requiredPath,
                lanes,
                waitMode,
                tls,
                bytesPerSecond,
                limits,
                listener,
                wireOptions,
                codec);
    }

    /**
     * {@return a copy that offers only these paths}
     *
     * @param names best first
     */
    public NodeConfig withPaths(String... names) {
        return new NodeConfig(
                name,
                listen,
                List.of(names),
                requiredPath,
                lanes,
                waitMode,
                tls,
                bytesPerSecond,
                limits,
                listener,
                wireOptions,
                codec);
    }

    /**
     * {@return a copy that uses one path or fails}
     *
     * @param path the path
     */
    public NodeConfig requiring(String path) {
        return new NodeConfig(
                name,
                listen,
                paths,
                Optional.of(path),
                lanes,
                waitMode,
                tls,
                bytesPerSecond,
                limits,
                listener,
                wireOptions,
                codec);
    }

    /**
     * {@return a copy with another number of lanes}
     *
     * @param count to each peer, 1 to {@link #MAX_LANES}
     */
    public NodeConfig withLanes(int count) {
        return new NodeConfig(
                name,
                listen,
                paths,
                requiredPath,
                count,
                waitMode,
                tls,
                bytesPerSecond,
                limits,
                listener,
                wireOptions,
                codec);
    }

    /**
     * {@return a copy whose wire threads wait in another way}
     *
     * @param mode how
     */
    public NodeConfig withWait(WaitMode mode) {
        return new NodeConfig(
                name,
                listen,
                paths,
                requiredPath,
                lanes,
                mode,
                tls,
                bytesPerSecond,
                limits,
                listener,
                wireOptions,
                codec);
    }

    /**
     * {@return a copy with mutual TLS}
     *
     * @param files certificate, key and trust
     */
    public NodeConfig withTls(TlsConfig files) {
        return new NodeConfig(
                name,
                listen,
                paths,
                requiredPath,
                lanes,
                waitMode,
                Optional.of(files),
                bytesPerSecond,
                limits,
                listener,
                wireOptions,
                codec);
    }

    /**
     * {@return a copy that sends no faster}
     *
     * @param rate bytes per second over all data lanes of the node, at least 1
     */
    public NodeConfig withBytesPerSecond(long rate) {
        return new NodeConfig(
                name,
                listen,
                paths,
                requiredPath,
                lanes,
                waitMode,
                tls,
                OptionalLong.of(rate),
                limits,
                listener,
                wireOptions,
                codec);
    }

    /**
     * {@return a copy with other limits}
     *
     * @param bounds on everything
     */
    public NodeConfig withLimits(Limits bounds) {
        return new NodeConfig(
                name,
                listen,
                paths,
                requiredPath,
                lanes,
                waitMode,
                tls,
                bytesPerSecond,
                bounds,
                listener,
                wireOptions,
                codec);
    }

    /**
     * {@return a copy with a listener}
     *
     * @param receiver of events
     */
    public NodeConfig withListener(NodeListener receiver) {
        return new NodeConfig(
                name,
                listen,
                paths,
                requiredPath,
                lanes,
                waitMode,
                tls,
                bytesPerSecond,
                limits,
                receiver,
                wireOptions,
                codec);
    }

    /**
     * {@return a copy with options for single wires}
     *
     * @param options each named {@code wire.option}
     */
    public NodeConfig withWireOptions(Map<String, String> options) {
        return new NodeConfig(
                name,
                listen,
                paths,
                requiredPath,
                lanes,
                waitMode,
                tls,
                bytesPerSecond,
                limits,
                listener,
                options,
                codec);
    }

    /**
     * {@return a copy whose blocks look otherwise on the wire}
     *
     * @param settings codecs in order of preference, and what encoding may use
     */
    public NodeConfig withCodec(CodecConfig settings) {
        return new NodeConfig(
                name,
                listen,
                paths,
                requiredPath,
                lanes,
                waitMode,
                tls,
                bytesPerSecond,
                limits,
                listener,
                wireOptions,
                settings);
    }
}
