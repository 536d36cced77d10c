package io.kvwire.harness.bench;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;

import java.util.Map;

/**
 * What an adapter answers for one round of one point. CPU and memory are those of both ends
 * together.
 *
 * @param bytes payload that was moved while it counted
 * @param transfers how many requests, or round trips, that were
 * @param seconds how long it took
 * @param p50Micros median time of one
 * @param p99Micros 99th percentile of it
 * @param cpuSeconds CPU time; null when it cannot be told
 * @param peakBytes the most memory that was resident; null when it cannot be told
 * @param verified whether every byte that was moved was compared and right; null when the tool that
 *     measures compares nothing
 * @param note what one must know to read it; empty for nothing
 * @param parts named shares of the time, in milliseconds
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Figures(
        long bytes,
        long transfers,
        double seconds,
        double p50Micros,
        double p99Micros,
        Double cpuSeconds,
        Long peakBytes,
        Boolean verified,
        String note,
        Map<String, Double> parts) {
    /** Fills in what an adapter may leave away. */
    public Figures {
        note = note == null ? "" : note;
        parts = parts == null ? Map.of() : Map.copyOf(parts);
    }

    /** {@return GB (10^9 bytes) per second} */
    @JsonProperty
    public double gigabytesPerSecond() {
        return seconds == 0 ? 0 : bytes / 1e9 / seconds;
    }

    /** {@return CPU time for each GB, or null} */
    @JsonProperty
    public Double cpuSecondsPerGigabyte() {
        return cpuSeconds == null || bytes == 0 ? null : cpuSeconds / (bytes / 1e9);
    }
}
