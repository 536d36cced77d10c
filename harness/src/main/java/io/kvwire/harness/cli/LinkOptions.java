package io.kvwire.harness.cli;

import io.kvwire.transport.CodecConfig;
import io.kvwire.transport.Limits;
import io.kvwire.transport.NodeAddress;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TlsConfig;

import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** How a node reaches its peers: path, lanes, rate, TLS. */
final class LinkOptions {
    /** Long prompts and their block tables travel in one notification. */
    private static final int NOTIFICATION_BYTES = 1 << 20;

    @Option(
            names = "--path",
            paramLabel = "PATH",
            description = "Offer this path alone, such as tcp (default: all that are found).")
    private String path;

    @Option(
            names = "--require",
            paramLabel = "PATH",
            description = "Fail rather than use another path than this one.")
    private String required;

    @Option(
            names = "--lanes",
            paramLabel = "N",
            defaultValue = "2",
            description = "Connections to each peer (default: ${DEFAULT-VALUE}).")
    private int lanes;

    @Option(
            names = "--bytes-per-second",
            paramLabel = "N",
            defaultValue = "0",
            description = "Send no faster than this (default: as fast as it goes).")
    private long bytesPerSecond;

    @Option(
            names = "--wire-option",
            paramLabel = "NAME=VALUE",
            description = "An option of a wire, rdma.devices=mlx5_0 say; may be repeated.")
    private Map<String, String> wireOptions = Map.of();

    @Option(
            names = "--codec",
            paramLabel = "CODEC",
            converter = CodecConverter.class,
            description =
                    "How blocks look on the wire: raw, int8, int8+lz4, raw+lz4, with options as in"
                            + " int8,keys=hadamard; or auto, int8 or raw by measured rates. May be"
                            + " repeated, best first (default: raw).")
    private List<CodecConfig> codecs = List.of(CodecConfig.RAW);

    @Option(
            names = "--probe-bytes",
            paramLabel = "N",
            defaultValue = "4194304",
            description =
                    "What may be sent to measure a link for auto, of --codec or of --mode, before"
                            + " there is traffic; 0 for nothing (default: ${DEFAULT-VALUE}).")
    private long probeBytes;

    @Option(
            names = "--handshake-seconds",
            paramLabel = "N",
            defaultValue = "10",
            description = "How long connecting may take (default: ${DEFAULT-VALUE}).")
    private long handshakeSeconds;

    @ArgGroup(exclusive = false)
    private Tls tls;

    private static final class Tls {
        @Option(
                names = "--tls-cert",
                paramLabel = "FILE",
                required = true,
                description = "PEM file with this node's certificate; turns mutual TLS on.")
        private Path certificate;

        @Option(
                names = "--tls-key",
                paramLabel = "FILE",
                required = true,
                description = "PEM file with its key (PKCS#8).")
        private Path key;

        @Option(
                names = "--tls-trust",
                paramLabel = "FILE",
                required = true,
                description = "PEM file with the certificates that peers must come from.")
        private Path trust;
    }

    NodeConfig config(String name) {
        var config =
                NodeConfig.named(name)
                        .withLanes(lanes)
                        .withLimits(limits())
                        .withWireOptions(wireOptions)
                        .withCodec(codec());
        if (path != null) {
            config = config.withPaths(path);
        }
        if (required != null) {
            config = config.requiring(required);
        }
        if (bytesPerSecond != 0) {
            config = config.withBytesPerSecond(bytesPerSecond);
        }
        if (tls != null) {
            config = config.withTls(new TlsConfig(tls.certificate, tls.key, tls.trust));
        }
        return config;
    }

    private CodecConfig codec() {
        var chosen =
                codecs.size() == 1
                        ? codecs.getFirst()
                        : CodecConfig.of(
                                codecs.stream()
                                        .flatMap(choice -> choice.codecs().stream())
                                        .distinct()
                                        .toArray(String[]::new));
        return chosen.withProbe(probeBytes);
    }

    private Limits limits() {
        var usual = Limits.DEFAULT;
        return new Limits(
                usual.maxPeers(),
                usual.maxRegions(),
                usual.maxControlBytes(),
                usual.maxFramePayloadBytes(),
                NOTIFICATION_BYTES,
                usual.maxTransfersPerPeer(),
                usual.maxQueuedTransfers(),
                usual.windowBytes(),
                Duration.ofSeconds(handshakeSeconds),
                usual.heartbeatInterval(),
                usual.peerTimeout());
    }

    /** Reads a codec with its options, or auto. */
    static final class CodecConverter implements ITypeConverter<CodecConfig> {
        @Override
        public CodecConfig convert(String text) {
            try {
                return CodecConfig.parse(text);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }

    /** Reads {@code HOST:PORT}. */
    static final class AddressConverter implements ITypeConverter<NodeAddress> {
        @Override
        public NodeAddress convert(String text) {
            try {
                return NodeAddress.parse(text);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }
}
