package io.kvwire.harness.bench.worker;

import io.kvwire.harness.bench.Answer;
import io.kvwire.harness.bench.Figures;
import io.kvwire.harness.bench.Json;
import io.kvwire.harness.bench.Order;
import io.kvwire.harness.bench.Point;
import io.kvwire.harness.demo.ChildJvm;
import io.kvwire.transport.TransferException;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.Callable;

/** {@code kvwire bench-worker}: the adapter of kvwire itself, and the process at its other end. */
@Command(
        name = "bench-worker",
        hidden = true,
        description = "Measures kvwire for 'kvwire bench': orders on standard input.")
public final class BenchWorkerCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Option(names = "--target", description = "Be the end that is written to.")
    private boolean asTarget;

    @Option(names = "--end", description = "Be one of many ends: its number.")
    private Integer end;

    @Option(names = "--path", required = true, description = "A path, or file.")
    private String path;

    @Option(names = "--codec", defaultValue = "raw")
    private String codec;

    @Option(names = "--lanes", defaultValue = "2")
    private int lanes;

    @Option(names = "--spin")
    private boolean spin;

    @Option(names = "--folder", description = "For path file.")
    private Path folder = Path.of(".");

    /** Made by the command line. */
    public BenchWorkerCommand() {}

    @Override
    public Integer call() throws IOException {
        ChildJvm.dieWithParent();
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        var out = spec.commandLine().getOut();
        if (path.equals("file")) {
            try (var files = new FileEnds(folder, codec)) {
                serve(", files", files::measure, in, out);
            }
            return 0;
        }
        var link = new Link(path, codec, lanes, spin);
        if (end != null) {
            try (var one = new FanEnd(link, end)) {
                one.serve(in, out);
            }
            return 0;
        }
        if (asTarget) {
            try (var target = new Target(link)) {
                target.serve(in, out);
            }
            return 0;
        }
        try (var target = new TargetProcess(link, false)) {
            Source started;
            try {
                started = new Source(link, target);
            } catch (TransferException e) {
                say(out, new Answer(null, e.getMessage(), null, null, null));
                return 0;
            }
            try (var source = started) {
                serve(", path " + source.path(), source::measure, in, out);
            }
        }
        return 0;
    }

    /** What measures a point. */
    private interface Measure {
        Figures of(Point point, double seconds);
    }

    private void serve(String found, Measure measure, BufferedReader in, PrintWriter out)
            throws IOException {
        say(out, Answer.version(versionText(spec.root().versionProvider()) + found));
        for (var line = in.readLine(); line != null; line = in.readLine()) {
            say(out, answer(measure, Json.parse(line, Order.class)));
        }
    }

    private static String versionText(picocli.CommandLine.IVersionProvider provider) {
        try {
            return String.join(" ", provider.getVersion());
        } catch (Exception e) {
            return "kvwire of unknown version (" + e.getMessage() + ")";
        }
    }

    private Answer answer(Measure measure, Order order) {
        var kind = order.point().kind();
        if (path.equals("file")) {
            if (kind == Point.Kind.MESSAGE || kind == Point.Kind.CHURN) {
                return Answer.unsupported("a file carries no messages and has no connection");
            }
            if (kind.fan()) {
                return Answer.unsupported("a file has no peers");
            }
        }
        try {
            return Answer.of(measure.of(order.point(), order.seconds()));
        } catch (RuntimeException e) {
            return Answer.error(String.valueOf(e.getMessage()));
        }
    }

    private static void say(PrintWriter out, Answer answer) {
        out.println(Json.line(answer));
        out.flush();
    }
}
