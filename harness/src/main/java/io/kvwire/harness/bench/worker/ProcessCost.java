package io.kvwire.harness.bench.worker;

import com.sun.management.OperatingSystemMXBean;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/** What this process has used since a mark. */
final class ProcessCost {
    private static final OperatingSystemMXBean PROCESS =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    private static final Path STATUS = Path.of("/proc/self/status");
    private static final Path CLEAR = Path.of("/proc/self/clear_refs");

    private final long cpuNanos;

    /**
     * @param cpuNanos CPU time
     * @param peakBytes the most resident memory
     */
    record Used(long cpuNanos, long peakBytes) {}

    private ProcessCost(long cpuNanos) {
        this.cpuNanos = cpuNanos;
    }

    /** Starts to count; forgets the peak so far. */
    static ProcessCost mark() {
        try {
            Files.writeString(CLEAR, "5"); // proc(5): resets the peak of the resident set
        } catch (IOException e) {
            // Without it the peak is that of the whole life: higher, never lower.
        }
        return new ProcessCost(PROCESS.getProcessCpuTime());
    }

    Used used() {
        return new Used(PROCESS.getProcessCpuTime() - cpuNanos, peakBytes());
    }

    private static long peakBytes() {
        try (var lines = Files.lines(STATUS)) {
            return lines.filter(line -> line.startsWith("VmHWM:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
                    .findFirst()
                    .orElse(0);
        } catch (IOException e) {
            return 0; // No /proc: the report shows no memory.
        }
    }
}
