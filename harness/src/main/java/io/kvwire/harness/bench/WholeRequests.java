package io.kvwire.harness.bench;

import io.kvwire.harness.demo.ChildJvm;
import io.kvwire.transport.TransferException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** The workload of whole requests: a run of {@code kvwire demo} in a process of its own. */
final class WholeRequests {
    /** What the workload is called on the command line; it has no file. */
    static final String NAME = "requests";

    private final int rounds;
    private final boolean verbose;

    /** What a run gave, or why it gave nothing. */
    record Outcome(List<DemoTimes> times, List<String> leftOut) {}

    WholeRequests(int rounds, boolean verbose) {
        this.rounds = rounds;
        this.verbose = verbose;
    }

    Outcome run(Path folder, Duration limit) throws IOException {
        var json = folder.resolve("demo.json");
        var words =
                List.of("demo", "--steps=0,1", "--rounds=" + rounds, "--json=" + json.toString());
        try (var demo = ChildJvm.start("demo", List.of(), verbose, words)) {
            if (!ends(demo, System.nanoTime() + limit.toNanos())) {
                return new Outcome(
                        List.of(),
                        List.of(NAME + ": not done after " + limit.toSeconds() + " s (--minutes)"));
            }
        }
        if (!Files.isReadable(json)) {
            return new Outcome(
                    List.of(), List.of(NAME + ": kvwire demo wrote nothing (--show-adapters)"));
        }
        return new Outcome(DemoTimes.read(json), List.of());
    }

    /** What it prints is for people; the JSON has it all. */
    private static boolean ends(ChildJvm demo, long end) {
        try {
            while (true) {
                demo.receive(Duration.ofNanos(Math.max(0, end - System.nanoTime())));
            }
        } catch (TransferException e) {
            return switch (e.code()) {
                case PEER_LOST -> true;
                case DEADLINE_EXCEEDED -> false;
                default -> throw e;
            };
        }
    }
}
