import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.spi.ToolProvider;

/**
 * Checks or applies the source format: google-java-format, AOSP style (4 spaces, 100 columns).
 *
 * <p>Started by the build as a single-file program on the JDK that compiles the sources, because a
 * formatter inside Maven's own JVM, which may be Java 17, cannot parse Java 25.
 */
final class FormatSources {

    private FormatSources() {}

    public static void main(String[] args) throws IOException {
        var mode = args[0];
        var root = Path.of(args[1]);
        var files = sourcesBelow(root);
        switch (mode) {
            case "check" -> check(root, files);
            case "apply" -> format(List.of("--replace"), files);
            default -> fail("format=" + mode + ": use check, apply or off");
        }
    }

    private static void check(Path root, List<String> files) {
        var unformatted = format(List.of("--dry-run", "--set-exit-if-changed"), files);
        if (!unformatted.isEmpty()) {
            unformatted.lines().forEach(f -> System.err.println(root.relativize(Path.of(f))));
            fail("The files above are not formatted. Run: mvn -N validate -Dformat=apply");
        }
    }

    private static String format(List<String> options, List<String> files) {
        var arguments = new ArrayList<>(List.of("--aosp"));
        arguments.addAll(options);
        arguments.addAll(files);
        var out = new StringWriter();
        var err = new StringWriter();
        var status =
                ToolProvider.findFirst("google-java-format")
                        .orElseThrow()
                        .run(
                                new PrintWriter(out, true),
                                new PrintWriter(err, true),
                                arguments.toArray(String[]::new));
        if (!err.toString().isBlank()) {
            fail(err.toString().strip());
        }
        if (status != 0 && out.toString().isBlank()) {
            fail("google-java-format ended with status " + status + " and said nothing");
        }
        return out.toString();
    }

    private static List<String> sourcesBelow(Path root) throws IOException {
        var sources = new ArrayList<String>();
        try (var folders = Files.list(root)) {
            for (var folder : folders.sorted().toList()) {
                var src = folder.resolve("src");
                if (Files.isDirectory(src)) {
                    collect(src, sources);
                }
            }
        }
        collect(root.resolve("config"), sources);
        return sources;
    }

    private static void collect(Path folder, List<String> sources) throws IOException {
        try (var files = Files.walk(folder)) {
            files.map(Path::toString)
                    .filter(f -> f.endsWith(".java"))
                    .sorted()
                    .forEach(sources::add);
        }
    }

    private static void fail(String message) {
        System.err.println(message);
        System.exit(1);
    }
}
