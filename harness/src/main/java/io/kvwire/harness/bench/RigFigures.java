package io.kvwire.harness.bench;

import com.fasterxml.jackson.annotation.JsonInclude;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The RDMA path beside perftest, as {@code kvwire rig perf} measured it in a virtual host. Its
 * processors are emulated, so that only the ratios mean anything.
 *
 * @param machine what it ran on
 * @param command its command line
 * @param provider of verbs
 * @param rows what was measured
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record RigFigures(String machine, String command, String provider, List<Measured> rows) {
    static final String OURS = "kvwire-rdma";
    static final String THEIRS = "perftest";
    static final String WORKLOAD = "rdma";

    private static final String LABEL_OURS = "kvwire rdma";

    RigFigures {
        rows = List.copyOf(rows);
    }

    /**
     * One of them; figures are medians of rounds.
     *
     * @param what operation and size
     * @param unit MB/s, more is better; us, less is better
     * @param baseline perftest's command
     * @param theirs its figure
     * @param ours kvwire's
     * @param ratio ours by theirs
     * @param ratios of each round
     * @param target what the ratio shall be
     * @param reached whether it is
     * @param verified whether every byte was compared and right; null where nobody compared
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Measured(
            String what,
            String unit,
            String baseline,
            double theirs,
            double ours,
            double ratio,
            List<Double> ratios,
            String target,
            boolean reached,
            Boolean verified) {
        private static final double PERCENT = 100;

        Measured {
            ratios = List.copyOf(ratios);
        }

        /** {@return how many times better ours is, round by round} */
        Summary advantage() {
            boolean timed = unit.equals("us");
            return Summary.of(ratios.stream().map(r -> timed ? 1 / r : r).toList());
        }

        private String why() {
            if (advantage().median() >= 1) {
                return "";
            }
            return reached
                    ? "within the target for the rig (%s of %s)".formatted(target, baseline)
                    : "short of the target for the rig (%s of %s) by %.0f %%"
                            .formatted(target, baseline, PERCENT * (1 - advantage().median()));
        }
    }

    static RigFigures read(Path file) throws IOException {
        var tree = Json.FILES.readTree(file.toFile());
        if (!tree.path("rows").isArray() || !tree.has("provider")) {
            throw new IllegalArgumentException(
                    file + " is no JSON of 'kvwire rig perf': it has no rows and no provider");
        }
        return Json.FILES.convertValue(tree, RigFigures.class);
    }

    /**
     * Boots the virtual host and measures.
     *
     * @param home the folder of the checkout
     * @param folder for what it writes
     * @param rounds of each figure
     * @param seconds of each of kvwire's
     * @throws IllegalStateException when it measured nothing; it has said why on standard error
     */
    static RigFigures run(Path home, Path folder, int rounds, double seconds) throws IOException {
        var script = home.resolve("transport-rdma/rig/rig");
        var builder =
                new ProcessBuilder(
                        script.toString(),
                        "perf",
                        "--out=" + folder,
                        "--name=rig",
                        "--rounds=" + rounds,
                        "--seconds=" + Math.max(1, Math.round(seconds)));
        builder.environment().put("KVWIRE_JAVA_HOME", System.getProperty("java.home"));
        // Standard output is for the report.
        builder.redirectOutput(ProcessBuilder.Redirect.appendTo(new File("/dev/stderr")));
        builder.redirectError(ProcessBuilder.Redirect.INHERIT);
        await(builder.start());
        var json = folder.resolve("rig.json");
        if (!Files.isReadable(json)) {
            throw new IllegalStateException("kvwire rig perf measured nothing");
        }
        return read(json);
    }

    /** The script ends its guests when it is told to; it must not outlive us. */
    private static void await(Process rig) {
        var hook = new Thread(rig::destroy, "kvwire-end-rig");
        Runtime.getRuntime().addShutdownHook(hook);
        try {
            var _ = rig.waitFor(); // A target that is missed is an exit status, too.
        } catch (InterruptedException e) {
            rig.destroy();
            Thread.currentThread().interrupt();
        } finally {
            Runtime.getRuntime().removeShutdownHook(hook);
        }
    }

    List<BenchReport.Taker> takers() {
        return List.of(
                taker(OURS, LABEL_OURS, Subject.Role.KVWIRE, "provider " + provider, null),
                taker(THEIRS, THEIRS, Subject.Role.PEER, machine, null));
    }

    /** {@return both as missing, since nobody asked for virtual hosts} */
    static List<BenchReport.Taker> missing() {
        var why =
                "runs in a virtual host, for minutes: --rig, or --with the JSON of 'kvwire rig"
                        + " perf'";
        return List.of(
                taker(OURS, LABEL_OURS, Subject.Role.KVWIRE, null, why),
                taker(THEIRS, THEIRS, Subject.Role.PEER, null, why));
    }

    private static BenchReport.Taker taker(
            String id, String label, Subject.Role role, String version, String missing) {
        return new BenchReport.Taker(id, label, Subject.Link.RDMA, role, version, missing);
    }

    List<BenchReport.Comparison> comparisons() {
        return rows.stream()
                .map(row ->
                        new BenchReport.Comparison(
                                WORKLOAD + "/" + row.what(),
                                OURS,
                                THEIRS,
                                Subject.Role.PEER,
                                row.advantage(),
                                null,
                                row.why()))
                .toList();
    }
}
