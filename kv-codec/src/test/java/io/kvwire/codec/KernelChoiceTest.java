package io.kvwire.codec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.codec.simd.VectorRowKernels;
import io.kvwire.transport.DType;
import io.kvwire.transport.spi.KvCodec;

import net.jpountz.lz4.LZ4Factory;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Which kernels a process takes, and what it says of them, in processes of their own. */
class KernelChoiceTest {
    private static final String FLAG = "--add-modules jdk.incubator.vector";

    @TempDir private Path folder;

    /** Takes the kernels for several codecs, as each thread of a node does. */
    static final class ThreeCodecs {
        private ThreeCodecs() {}

        /** Codes the golden slab with each of three codecs, and names the kernels. */
        public static void main(String[] words) {
            var golden = GoldenInt8.of(DType.BF16);
            for (int i = 0; i < 3; i++) {
                var codec = new Int8Codec(GoldenFrame.MODEL);
                var frame = CodecRuns.encode(codec, golden.slab(), golden.source());
                var decoded = CodecRuns.decode(codec, golden.slab(), frame);
                boolean alike =
                        Arrays.equals(golden.frame(), frame)
                                && Arrays.equals(golden.decoded(), decoded);
                System.out.println(KernelChoice.best().name() + (alike ? ", golden" : ", WRONG"));
            }
        }
    }

    @Test
    void withoutTheVectorApiOneWarningNamesTheFlagAndFramesAreTheSame() throws Exception {
        var said = run(List.of());

        assertEquals(1, count(said, FLAG), said);
        assertEquals(1, count(said, "WARNING:"), said);
        assertEquals(3, count(said, "scalar, golden"), said);
    }

    @Test
    void withTheVectorApiTheFlagIsNotAskedFor() throws Exception {
        var said = run(List.of("--add-modules", "jdk.incubator.vector"));

        assertEquals(0, count(said, FLAG), said);
        assertEquals(3, count(said, new VectorRowKernels().name() + ", golden"), said);
    }

    @Test
    void withoutTheOptimisingCompilerOneWarningSaysSoAndFramesAreTheSame() throws Exception {
        for (var flag : List.of("-XX:TieredStopAtLevel=1", "-Xint")) {
            var said = run(List.of("--add-modules", "jdk.incubator.vector", flag));

            assertEquals(1, count(said, "without its optimising compiler"), said);
            assertEquals(3, count(said, "scalar, golden"), said);
        }
    }

    private String run(List<String> flags) throws IOException, InterruptedException {
        var command = new ArrayList<String>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(flags);
        command.addAll(List.of("-cp", classPath(), ThreeCodecs.class.getName()));
        var said = folder.resolve("said");
        var process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(said.toFile())
                        .start();
        try {
            assertTrue(process.waitFor(60, TimeUnit.SECONDS), "a process of a moment goes on");
        } finally {
            process.destroyForcibly();
        }
        var text = Files.readString(said);
        assertEquals(0, process.exitValue(), text);
        return text;
    }

    private static String classPath() {
        return Stream.of(KernelChoiceTest.class, Int8Codec.class, KvCodec.class, LZ4Factory.class)
                .map(KernelChoiceTest::place)
                .distinct()
                .collect(Collectors.joining(File.pathSeparator));
    }

    private static String place(Class<?> type) {
        try {
            return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI())
                    .toString();
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static long count(String text, String part) {
        return text.lines().filter(line -> line.contains(part)).count();
    }
}
