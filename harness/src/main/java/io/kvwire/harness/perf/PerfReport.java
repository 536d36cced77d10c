package io.kvwire.harness.perf;

import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;

import io.kvwire.transport.CodecConfig;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The results of a sweep, as a table for people and as JSON for programs.
 *
 * @param path the path that was used
 * @param pathReason why
 * @param pathDetails what the wire says of the link
 * @param results the points, in the order of measurement
 */
record PerfReport(
        String path, String pathReason, Map<String, String> pathDetails, List<PerfResult> results) {

    static void header(PrintWriter out) {
        out.printf(
                "%-12s %10s %7s %11s %5s %10s %9s %11s %10s %10s %9s %8s %-10s %5s %9s%n",
                "op",
                "block",
                "blocks",
                "working set",
                "lanes",
                "limit MB/s",
                "GB/s",
                "blocks/s",
                "p50 us",
                "p99 us",
                "CPU s/GB",
                "ns/block",
                "codec",
                "ratio",
                "verified");
    }

    static void row(PrintWriter out, PerfResult r) {
        out.printf(
                Locale.ROOT,
                "%-12s %10s %7d %11s %5d %10s %9.3f %11.0f %10.1f %10.1f %9.3f %8.0f %-10s %5.2f"
                        + " %9s%n",
                r.op(),
                ByteSize.show(r.blockBytes()),
                r.blockCount(),
                ByteSize.show(r.workingSetBytes()),
                r.link().lanes(),
                limit(r.link()),
                r.gigabytesPerSecond(),
                r.descriptorsPerSecond(),
                r.p50Micros(),
                r.p99Micros(),
                r.cpuSecondsPerGigabyte(),
                r.senderNanosPerDescriptor(),
                codec(r),
                r.ratio(),
                r.verified() == null ? "-" : r.verified() ? "yes" : "NO");
        out.flush();
    }

    private static String limit(PerfLink link) {
        return link.bytesPerSecond() == 0
                ? "-"
                : String.format(Locale.ROOT, "%.1f", link.bytesPerSecond() / 1e6);
    }

    private static String codec(PerfResult r) {
        if (r.codec().isEmpty()) {
            return "-";
        }
        return r.link().codec().equals(CodecConfig.AUTO_NAME) ? "auto: " + r.codec() : r.codec();
    }

    void write(Path file) throws IOException {
        JsonMapper.builder()
                .enable(SerializationFeature.INDENT_OUTPUT)
                .build()
                .writeValue(file.toFile(), this);
    }
}
