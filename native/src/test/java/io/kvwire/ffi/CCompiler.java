package io.kvwire.ffi;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * The C compiler of this machine; tests that need it are skipped, saying so, where there is none.
 */
public final class CCompiler {

    private CCompiler() {}

    /** Skips the calling test where a compiler or a header is missing. */
    public static void assumePresent(String... headers) {
        assumeTrue(compiler() != null, "no C compiler: install gcc, or set CC");
        for (var header : headers) {
            assumeTrue(
                    hasHeader(header), () -> "no " + header + ": install the package that has it");
        }
    }

    /** Compiles and runs a program, and returns the lines that it prints. */
    public static List<String> run(Path folder, String program)
            throws IOException, InterruptedException {
        var source = Files.writeString(folder.resolve("program.c"), program);
        var binary = folder.resolve("program");
        output(List.of(compiler(), "-o", binary.toString(), source.toString()));
        return output(List.of(binary.toString())).lines().toList();
    }

    /** Compiles a shared library. */
    public static Path library(Path folder, String name, Path source)
            throws IOException, InterruptedException {
        var library = folder.resolve(name);
        output(
                List.of(
                        compiler(),
                        "-O2",
                        "-shared",
                        "-fPIC",
                        "-o",
                        library.toString(),
                        source.toString(),
                        "-lpthread"));
        return library;
    }

    private static String compiler() {
        var named = System.getenv("CC");
        return Stream.of(named == null ? "cc" : named, "gcc", "clang")
                .filter(CCompiler::runs)
                .findFirst()
                .orElse(null);
    }

    private static boolean runs(String compiler) {
        try {
            output(List.of(compiler, "--version"));
            return true;
        } catch (IOException | InterruptedException | AssertionError _) {
            return false;
        }
    }

    private static boolean hasHeader(String header) {
        try {
            var file =
                    Files.writeString(
                            Files.createTempFile("kvwire", ".c"), "#include <" + header + ">\n");
            try {
                output(List.of(compiler(), "-fsyntax-only", file.toString()));
                return true;
            } finally {
                Files.delete(file);
            }
        } catch (IOException | InterruptedException | AssertionError _) {
            return false;
        }
    }

    private static String output(List<String> command) throws IOException, InterruptedException {
        var process =
                new ProcessBuilder(new ArrayList<>(command)).redirectErrorStream(true).start();
        var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int status = process.waitFor();
        if (status != 0) {
            throw new AssertionError(
                    String.join(" ", command) + " ended with " + status + ":\n" + output);
        }
        return output;
    }
}
