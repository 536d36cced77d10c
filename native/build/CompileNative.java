import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * Compiles the C library that DiSNI needs and puts it among the resources of the jar; says what is
 * missing and goes on where it cannot. Nothing else in the project needs it.
 *
 * <p>Started by the build on the JDK that compiles the sources, whose {@code jni.h} it uses.
 */
final class CompileNative {

    private CompileNative() {}

    public static void main(String[] args) throws IOException, InterruptedException {
        var source = Path.of(args[0], "disni.c");
        var library = Path.of(args[1], "io/kvwire/ffi/native", platform(), "libdisni.so");
        if (Files.exists(library)
                && Files.getLastModifiedTime(library).compareTo(Files.getLastModifiedTime(source))
                        >= 0) {
            return;
        }
        var jni = Path.of(System.getProperty("java.home"), "include");
        if (!Files.exists(jni.resolve("linux/jni_md.h"))) {
            skip("no jni.h for Linux below " + jni);
            return;
        }
        Files.createDirectories(library.getParent());
        var compiler = System.getenv().getOrDefault("CC", "cc");
        var command =
                List.of(
                        compiler,
                        "-O2",
                        "-Wall",
                        "-Wextra",
                        "-std=gnu11",
                        "-shared",
                        "-fPIC",
                        "-I" + jni,
                        "-I" + jni.resolve("linux"),
                        "-o",
                        library.toString(),
                        source.toString(),
                        "-libverbs",
                        "-lrdmacm");
        try {
            var process = new ProcessBuilder(command).redirectErrorStream(true).start();
            var output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (process.waitFor() != 0) {
                skip(reason(output));
            }
        } catch (IOException _) {
            skip("no C compiler " + compiler);
        }
    }

    private static String reason(String output) {
        return output.contains("No such file or directory")
                ? "headers of verbs are missing: install libibverbs-dev and librdmacm-dev"
                : output;
    }

    private static void skip(String reason) {
        System.out.println("DiSNI's native half is left out: " + reason);
    }

    private static String platform() {
        return (System.getProperty("os.name") + "-" + System.getProperty("os.arch"))
                .toLowerCase(Locale.ROOT)
                .replace(' ', '_');
    }
}
