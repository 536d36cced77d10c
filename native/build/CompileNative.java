import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Compiles the C libraries and puts them among the resources of the jar; says what is missing and
 * goes on where it cannot. Nothing needs them: without the one, large copies are the JVM's; without
 * the other, there is no provider disni.
 *
 * <p>Started by the build on the JDK that compiles the sources, whose {@code jni.h} it uses.
 */
final class CompileNative {

    private CompileNative() {}

    public static void main(String[] args) throws IOException, InterruptedException {
        var sources = Path.of(args[0]);
        var libraries = Path.of(args[1], "io/kvwire/ffi/native", platform());
        compile(
                "The faster copy between processes",
                sources.resolve("copy.c"),
                libraries.resolve("libkvwirecopy.so"),
                List.of());
        var jni = Path.of(System.getProperty("java.home"), "include");
        var disni = "DiSNI's native half";
        if (!Files.exists(jni.resolve("linux/jni_md.h"))) {
            skip(disni, "no jni.h for Linux below " + jni);
            return;
        }
        compile(
                disni,
                sources.resolve("disni.c"),
                libraries.resolve("libdisni.so"),
                List.of("-I" + jni, "-I" + jni.resolve("linux"), "-libverbs", "-lrdmacm"));
    }

    private static void compile(String what, Path source, Path library, List<String> options)
            throws IOException, InterruptedException {
        if (Files.exists(library)
                && Files.getLastModifiedTime(library).compareTo(Files.getLastModifiedTime(source))
                        >= 0) {
            return;
        }
        Files.createDirectories(library.getParent());
        var compiler = System.getenv().getOrDefault("CC", "cc");
        var command = new ArrayList<String>();
        command.addAll(
                List.of(compiler, "-O2", "-Wall", "-Wextra", "-std=gnu11", "-shared", "-fPIC"));
        command.addAll(List.of("-o", library.toString(), source.toString()));
        command.addAll(options);
        try {
            var process = new ProcessBuilder(command).redirectErrorStream(true).start();
            var output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (process.waitFor() != 0) {
                skip(what, reason(output));
            }
        } catch (IOException _) {
            skip(what, "no C compiler " + compiler);
        }
    }

    private static String reason(String output) {
        return output.contains("No such file or directory")
                ? "headers of verbs are missing: install libibverbs-dev and librdmacm-dev"
                : output;
    }

    private static void skip(String what, String reason) {
        System.out.println(what + " is left out: " + reason);
    }

    private static String platform() {
        return (System.getProperty("os.name") + "-" + System.getProperty("os.arch"))
                .toLowerCase(Locale.ROOT)
                .replace(' ', '_');
    }
}
