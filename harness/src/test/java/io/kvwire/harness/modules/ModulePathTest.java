package io.kvwire.harness.modules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;

/**
 * The jars as modules, the way an application has them that is a module itself. All other tests run
 * on the class path, where nothing is missing in a {@code module-info}. Runs after the jars are
 * made, in phase {@code integration-test}.
 */
@Timeout(120)
class ModulePathTest {
    /** The harness's jar, and the folder of those that it needs. */
    private static final String FROM = System.getProperty("kvwire.test.jars", "");

    /**
     * Netty's jars of io_uring for both processors call themselves the same module: only one can be
     * there.
     */
    private static final String OTHER_URING =
            System.getProperty("os.arch").equals("aarch64") ? "linux-x86_64" : "linux-aarch_64";

    private static final Path SAMPLE = Path.of("src", "test", "modules", "io.kvwire.sample");

    /** Modules that call native functions, as docs/api-guide.md names them. */
    private static final String NATIVE =
            "--enable-native-access=io.kvwire.transport,io.kvwire.ffi,io.kvwire.codec,io.kvwire.tcp,"
                + "io.netty.common,org.lz4.java";

    private static final String VECTORS = "--add-modules=jdk.incubator.vector";
    private static final String UNSAFE = "--sun-misc-unsafe-memory-access=allow";

    private static String jars;

    @TempDir private static Path folder;

    /** How a program ended, and all that it said. */
    private record Ended(int status, String said) {}

    @BeforeAll
    static void requireJars() throws IOException {
        assumeTrue(!FROM.isEmpty(), "needs the jars: runs in phase integration-test, not earlier");
        var all = new ArrayList<String>();
        for (var place : FROM.split(File.pathSeparator, -1)) {
            try (var files = Files.walk(Path.of(place), 1)) {
                files.map(Path::toString).filter(ModulePathTest::fits).forEach(all::add);
            }
        }
        jars = String.join(File.pathSeparator, all);
    }

    private static boolean fits(String jar) {
        return jar.endsWith(".jar") && !(jar.contains("io_uring") && jar.contains(OTHER_URING));
    }

    @Test
    void anApplicationThatRequiresTheContractAloneFindsWiresAndCodecs() throws Exception {
        compileSample();
        var ended =
                java(
                        List.of(NATIVE, VECTORS, UNSAFE),
                        jars + File.pathSeparator + folder.resolve("sample"),
                        List.of(
                                "io.kvwire.sample/io.kvwire.sample.Main",
                                "raw",
                                "int8",
                                "int8+lz4"));
        assertEquals(0, ended.status, ended.said);
        assertTrue(ended.said.contains("from io.kvwire.sample"), ended.said);
        for (var codec : List.of("raw", "int8", "int8+lz4")) {
            var line = codec + " over tcp, not [pcie, rdma], by epoll, readv and writev: equal";
            assertTrue(ended.said.lines().anyMatch(line::equals), ended.said);
        }
        assertFalse(ended.said.contains("restricted method"), ended.said);
    }

    @Test
    void theCommandLineLooksTheHostOver() throws Exception {
        var flags = List.of(NATIVE + ",io.kvwire.harness,ai.djl.tokenizers", UNSAFE);
        var ended = harness(flags, "doctor");
        assertEquals(0, ended.status, ended.said);
        for (var finding : List.of("native access", "Vector API", "path tcp")) {
            assertTrue(
                    ended.said.lines().anyMatch(line -> line.matches(finding + " +ok .*")),
                    ended.said);
        }
        var without = harness(List.of(UNSAFE), "doctor");
        assertTrue(without.said.contains("add --enable-native-access=io.kvwire."), without.said);
    }

    @Test
    void aPromptIsContinuedInTwoProcessesWhichAreModulesToo() throws Exception {
        var report = folder.resolve("demo.json");
        var flags = List.of(NATIVE + ",io.kvwire.harness,ai.djl.tokenizers", UNSAFE);
        var ended =
                harness(
                        flags,
                        "demo --model tiny --steps 0,1 --rounds 1 --max-tokens 2 --path tcp --json "
                                + report);
        assertEquals(0, ended.status, ended.said);
        assertTrue(Files.readString(report).contains("\"tokensMatch\" : true"), ended.said);
    }

    private static Ended harness(List<String> flags, String words)
            throws IOException, InterruptedException {
        var command = Stream.of("io.kvwire.harness/io.kvwire.harness.cli.Start " + words);
        return java(flags, jars, command.flatMap(all -> Stream.of(all.split(" ", -1))).toList());
    }

    /** With -Werror: what the sample needs is exported, and nothing else is asked for. */
    private static void compileSample() {
        var compiler = ToolProvider.findFirst("javac").orElseThrow();
        int status =
                compiler.run(
                        System.out,
                        System.err,
                        "-Xlint:all",
                        "-Werror",
                        "--module-path",
                        jars,
                        "-d",
                        folder.resolve("sample").toString(),
                        SAMPLE.resolve("module-info.java").toString(),
                        SAMPLE.resolve("io/kvwire/sample/Main.java").toString());
        assertEquals(0, status, "the sample was not compiled; the compiler has said why above");
    }

    private static Ended java(List<String> flags, String modulePath, List<String> module)
            throws IOException, InterruptedException {
        var command =
                Stream.of(
                                List.of(
                                        Path.of(System.getProperty("java.home"), "bin/java")
                                                .toString()),
                                flags,
                                List.of("--module-path", modulePath, "--module"),
                                module)
                        .flatMap(List::stream)
                        .toList();
        var output = Files.createTempFile(folder, "said", ".txt");
        var process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile())
                        .start();
        try {
            assertTrue(process.waitFor(60, TimeUnit.SECONDS), () -> "still runs: " + command);
        } finally {
            process.destroyForcibly();
        }
        return new Ended(process.exitValue(), Files.readString(output, StandardCharsets.UTF_8));
    }
}
