package io.kvwire.harness.perf;

import io.kvwire.harness.options.OutputFile;
import io.kvwire.transport.CodecConfig;
import io.kvwire.transport.NodeAddress;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.PathReport;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;

/** {@code kvwire perf run}: measures against a server; sweeps where sizes are lists. */
@Command(
        name = "run",
        mixinStandardHelpOptions = true,
        description = "Measures transfers to or from a 'kvwire perf serve'.")
final class PerfRunCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Parameters(paramLabel = "HOST:PORT", description = "Where 'kvwire perf serve' listens.")
    private String server;

    @Option(
            names = "--op",
            split = ",",
            description = "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
    private List<PerfOp> ops = List.of(PerfOp.WRITE);

    @Option(
            names = "--block-bytes",
            split = ",",
            converter = ByteSize.class,
            description = "Bytes of a block, or of a message for notify (default: 1MiB, 64).")
    private List<Long> blockBytes = List.of();

    @Option(
            names = "--block-count",
            split = ",",
            description = "Blocks of one transfer (default: as many as make 16 MiB).")
    private List<Integer> blockCounts = List.of();

    @Option(
            names = "--working-set-bytes",
            split = ",",
            converter = ByteSize.class,
            description = "Memory at each end that transfers walk over (default: 256MiB).")
    private List<Long> workingSetBytes = List.of(256L << 20);

    @Option(names = "--hot", description = "Use one list of blocks again and again.")
    private boolean hot;

    @Option(names = "--scattered", description = "Lay the blocks in random places at both ends.")
    private boolean scattered;

    @Option(names = "--lanes", split = ",", description = "Connections (default: 2).")
    private List<Integer> lanes = List.of(2);

    @Option(names = "--depth", description = "Transfers in flight (default: ${DEFAULT-VALUE}).")
    private int depth = 4;

    @Option(names = "--seconds", description = "Time of each point (default: ${DEFAULT-VALUE}).")
    private double seconds = 3;

    @Option(
            names = "--warm-up-seconds",
            description =
                    "Most time of the warm-up before each point, which ends when the JVM compiles"
                            + " little any more (default: 15, but no more than 4 times"
                            + " --seconds).")
    private Double warmUpSeconds;

    @Option(names = "--path", description = "The path to use (default: the best).")
    private String path;

    @Option(names = "--require", description = "Fail unless this path is used.")
    private String required;

    @Option(
            names = "--codec",
            paramLabel = "CODEC",
            description =
                    "How blocks look on the wire: raw, int8, int8+lz4, raw+lz4, with options as in"
                            + " int8,keys=hadamard; or auto, int8 or raw by measured rates"
                            + " (default: ${DEFAULT-VALUE}). May be repeated: they take turns."
                            + " Unless raw is the only one, blocks hold K and V in BF16.")
    private List<String> codecs = List.of(CodecConfig.RAW_NAME);

    @Option(
            names = "--bytes-per-second",
            paramLabel = "N",
            split = ",",
            description =
                    "Send no faster than this; 0 for as fast as it goes (default: 0). What is read"
                            + " the server sends, which has an option of the same name.")
    private List<Long> rates = List.of(0L);

    @Option(
            names = "--rounds",
            paramLabel = "N",
            description = "Measure each point so often, in turns (default: ${DEFAULT-VALUE}).")
    private int rounds = 1;

    @Option(names = "--spin", description = "Poll without sleeping; best at both ends.")
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

    @Option(names = "--checksum", description = "Send and verify CRC32C with each frame.")
    private boolean checksum;

    @Option(names = "--verify", description = "Check every byte of the target afterwards.")
    private boolean verify;

    @Option(
            names = "--json",
            paramLabel = "FILE",
            converter = OutputFile.class,
            description = "Write the results as JSON.")
    private Path json;

    private final List<PerfResult> results = new ArrayList<>();

    @Override
    public Integer call() throws IOException {
        check();
        PerfReport report = null;
        for (var together : links()) {
            var clients = new ArrayList<PerfClient>();
            try {
                for (var link : together) {
                    clients.add(client(link));
                }
                if (report == null) {
                    report = begin(clients.getFirst().peer().path());
                }
                for (int round = 0; round < rounds; round++) {
                    measure(clients);
                }
            } finally {
                clients.forEach(PerfClient::close);
            }
        }
        if (json != null) {
            Objects.requireNonNull(report).write(json);
        }
        boolean wrong = results.stream().anyMatch(r -> Boolean.FALSE.equals(r.verified()));
        if (wrong) {
            spec.commandLine().getErr().println("kvwire: the target holds wrong bytes");
        }
        return wrong ? CommandLine.ExitCode.SOFTWARE : CommandLine.ExitCode.OK;
    }

    private void check() {
        try {
            NodeAddress.parse(server);
            cases();
            links().forEach(together -> together.forEach(this::config));
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
        for (var codec : codecs) {
            require(
                    !verify || codec.startsWith(CodecConfig.RAW_NAME),
                    "--verify compares bytes, which --codec "
                            + codec
                            + " may change: verify with raw, or see what it changes with kvwire"
                            + " quality");
        }
        require(
                seconds > 0 && depth > 0 && rounds > 0,
                "--seconds, --depth and --rounds: need more than zero");
        require(warmUpSeconds == null || warmUpSeconds >= 0, "--warm-up-seconds: need 0 or more");
    }

    private void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new ParameterException(spec.commandLine(), otherwise);
        }
    }

    /** The connections to measure over, those that take turns after each other. */
    private List<List<PerfLink>> links() {
        var links = new ArrayList<List<PerfLink>>();
        for (long rate : rates) {
            for (int count : lanes) {
                links.add(codecs.stream().map(codec -> new PerfLink(count, rate, codec)).toList());
            }
        }
        return links;
    }

    private PerfClient client(PerfLink link) {
        return new PerfClient(link, config(link), NodeAddress.parse(server), privateMemory);
    }

    private NodeConfig config(PerfLink link) {
        var config =
                NodeConfig.named("perf-client")
                        .withLanes(link.lanes())
                        .withLimits(PerfServer.limits())
                        .withWait(spin ? NodeConfig.WaitMode.SPIN : NodeConfig.WaitMode.SLEEP)
                        .withCodec(CodecConfig.parse(link.codec()))
                        .withWireOptions(wireOptions);
        if (link.bytesPerSecond() != 0) {
            config = config.withBytesPerSecond(link.bytesPerSecond());
        }
        if (path != null) {
            config = config.withPaths(path);
        }
        return required == null ? config : config.requiring(required);
    }

    private List<PerfCase> cases() {
        var cases = new ArrayList<PerfCase>();
        boolean values = !codecs.stream().allMatch(CodecConfig.RAW_NAME::equals);
        for (var op : ops.stream().filter(op -> op != PerfOp.NOTIFY).toList()) {
            for (long size : blockBytes.isEmpty() ? List.of(1L << 20) : blockBytes) {
                var counts =
                        blockCounts.isEmpty()
                                ? List.of((int) Math.max(1, (16L << 20) / size))
                                : blockCounts;
                for (int count : counts) {
                    for (long set : hot ? List.of(size * count) : workingSetBytes) {
                        cases.add(new PerfCase(op, size, count, set, scattered, values));
                    }
                }
            }
        }
        return cases;
    }

    private PerfReport begin(PathReport used) {
        var out = spec.commandLine().getOut();
        out.println(used.path() + ": " + used.reason() + " " + used.details());
        PerfReport.header(out);
        return new PerfReport(used.path(), used.reason(), used.details(), results);
    }

    private void measure(List<PerfClient> clients) {
        var effort = new PerfClient.Effort(seconds, mostWarmUpSeconds(), depth, checksum, verify);
        if (ops.contains(PerfOp.NOTIFY)) {
            for (long size : blockBytes.isEmpty() ? List.of(64L) : blockBytes) {
                for (var client : clients) {
                    add(client.pings((int) Math.min(size, 1 << 16), seconds));
                }
            }
        }
        for (var point : cases()) {
            for (var client : clients) {
                add(client.blocks(point, effort));
            }
        }
        spec.commandLine().getOut().flush();
    }

    private double mostWarmUpSeconds() {
        return warmUpSeconds == null ? Math.min(15, 4 * seconds) : warmUpSeconds;
    }

    private void add(PerfResult result) {
        results.add(result);
        PerfReport.row(spec.commandLine().getOut(), result);
    }
}
