package io.kvwire.harness.perf;

import io.kvwire.transport.CodecConfig;
import io.kvwire.transport.NodeAddress;
import io.kvwire.transport.NodeConfig;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;

/** {@code kvwire perf serve}: waits for clients until it is stopped. */
@Command(
        name = "serve",
        mixinStandardHelpOptions = true,
        description = "Waits for 'kvwire perf run' until it is stopped.")
final class PerfServeCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Option(
            names = "--listen",
            paramLabel = "HOST:PORT",
            description = "Where to listen (default: 127.0.0.1 and the port of --port).")
    private String listen;

    @Option(names = "--port", description = "The port on 127.0.0.1 (default: ${DEFAULT-VALUE}).")
    private int port = 7410;

    @Option(
            names = "--max-bytes",
            converter = ByteSize.class,
            description = "The largest working set to give a client (default: 4 GiB).")
    private long maxBytes = 4L << 30;

    @Option(names = "--path", description = "Offer this path alone (default: all that are found).")
    private String path;

    @Option(
            names = "--codec",
            paramLabel = "CODEC",
            description =
                    "What blocks may look like on the wire, and with which options they are encoded"
                            + " when read; may be repeated (default: every codec).")
    private List<String> codecs = List.of("raw", "int8", "int8+lz4", "raw+lz4");

    @Option(
            names = "--require",
            description = "Fail unless this path is there, and refuse clients that use another.")
    private String require;

    @Option(
            names = "--bytes-per-second",
            paramLabel = "N",
            description =
                    "Send no faster than this when clients read; 0 for as fast as it goes (default:"
                            + " 0).")
    private long bytesPerSecond;

    @Option(names = "--spin", description = "Poll without sleeping, for the lowest latency.")
    private boolean spin;

    @Option(
            names = "--wire-option",
            paramLabel = "NAME=VALUE",
            description = "An option of a wire, tcp.readBytes=65536 say; may be repeated.")
    private Map<String, String> wireOptions = Map.of();

    @Option(
            names = "--private-memory",
            description = "Do not take memory that other processes of this host can be shown.")
    private boolean privateMemory;

    @Override
    public Integer call() throws InterruptedException {
        var config =
                NodeConfig.named("perf-server")
                        .withListen(address())
                        .withLanes(NodeConfig.MAX_LANES)
                        .withLimits(PerfServer.limits())
                        .withWait(spin ? NodeConfig.WaitMode.SPIN : NodeConfig.WaitMode.SLEEP)
                        .withCodec(codec())
                        .withWireOptions(wireOptions);
        if (bytesPerSecond != 0) {
            config = limited(config);
        }
        if (path != null) {
            config = config.withPaths(path);
        }
        if (require != null) {
            config = config.requiring(require);
        }
        try (var server = PerfServer.start(config, maxBytes, privateMemory)) {
            var out = spec.commandLine().getOut();
            out.println("perf server listens on " + server.node().address());
            out.flush();
            var stopped = new CountDownLatch(1);
            stopped.await();
        }
        return CommandLine.ExitCode.OK;
    }

    private NodeConfig limited(NodeConfig config) {
        try {
            return config.withBytesPerSecond(bytesPerSecond);
        } catch (IllegalArgumentException e) {
            throw new CommandLine.ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }

    private CodecConfig codec() {
        try {
            return codecs.size() == 1
                    ? CodecConfig.parse(codecs.getFirst())
                    : CodecConfig.of(codecs.toArray(String[]::new));
        } catch (IllegalArgumentException e) {
            throw new CommandLine.ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }

    private NodeAddress address() {
        try {
            return listen == null ? new NodeAddress("127.0.0.1", port) : NodeAddress.parse(listen);
        } catch (IllegalArgumentException e) {
            throw new CommandLine.ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }
}
