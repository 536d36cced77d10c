package io.kvwire.harness.bench;

import picocli.CommandLine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** What the figures were taken on. */
final class Machine {
    private Machine() {}

    static Map<String, String> describe(CommandLine.IVersionProvider version) throws IOException {
        Map<String, String> found = new LinkedHashMap<>();
        found.put("cpu", field(Path.of("/proc/cpuinfo"), "model name"));
        found.put("cores", Integer.toString(Runtime.getRuntime().availableProcessors()));
        var memory = field(Path.of("/proc/meminfo"), "MemTotal");
        found.put("memory", memory);
        found.put("kernel", System.getProperty("os.name") + " " + System.getProperty("os.version"));
        found.put("kvwire", version(version));
        return found;
    }

    private static String version(CommandLine.IVersionProvider provider) {
        try {
            return String.join(" ", provider.getVersion());
        } catch (Exception e) {
            return "unknown (" + e.getMessage() + ")";
        }
    }

    static long availableBytes() throws IOException {
        var text = field(Path.of("/proc/meminfo"), "MemAvailable").replaceAll("\\D", "");
        return text.isEmpty() ? 2L << 30 : Long.parseLong(text) << 10;
    }

    private static String field(Path file, String name) throws IOException {
        if (!Files.isReadable(file)) {
            return "unknown";
        }
        try (var lines = Files.lines(file)) {
            return lines.filter(line -> line.startsWith(name))
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .findFirst()
                    .orElse("unknown");
        }
    }
}
