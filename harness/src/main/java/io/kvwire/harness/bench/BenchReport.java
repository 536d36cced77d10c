package io.kvwire.harness.bench;

import com.fasterxml.jackson.annotation.JsonInclude;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Everything that a run found: the JSON that programs read. Documented in docs/bench.md.
 *
 * @param schema version of this form; a field may be added without a new one
 * @param date when it began
 * @param machine what it ran on
 * @param command the command line
 * @param quick whether it was a quick run
 * @param rounds rounds of each point
 * @param secondsEach of each subject in each round
 * @param tookSeconds all of it
 * @param subjects what took part, and what could not
 * @param rows a row for each point and subject
 * @param comparisons kvwire against the limit and each peer
 * @param budgetSeconds that it had; null for no limit
 * @param shortened points with fewer rounds, or shorter turns, than asked for
 * @param leftOut points that were not measured, and why
 * @param demo whole requests, unless they were not asked for
 * @param rig the RDMA path in a virtual host; null when nobody asked for it
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record BenchReport(
        int schema,
        String date,
        Map<String, String> machine,
        String command,
        boolean quick,
        int rounds,
        double secondsEach,
        double tookSeconds,
        List<Taker> subjects,
        List<Row> rows,
        List<Comparison> comparisons,
        Double budgetSeconds,
        List<String> shortened,
        List<String> leftOut,
        List<DemoTimes> demo,
        RigFigures rig) {
    static final int SCHEMA = 1;

    BenchReport {
        shortened = shortened == null ? List.of() : List.copyOf(shortened);
        demo = demo == null ? List.of() : List.copyOf(demo);
    }

    /**
     * @param id of a subject
     * @param label for people
     * @param link what it moves data over
     * @param role whose it is
     * @param version what was found
     * @param missing why it could not run
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Taker(
            String id,
            String label,
            Subject.Link link,
            Subject.Role role,
            String version,
            String missing) {}

    /**
     * One subject at one point. Without figures, one of {@code unsupported} and {@code error} says
     * why.
     *
     * @param point what was measured
     * @param subject whose figures these are
     * @param unit of {@code figure}: GB/s, more is better; us or ms, less is better
     * @param figure throughput or time
     * @param p99Micros the median of the rounds' 99th percentiles
     * @param cpuSecondsPerGigabyte of both ends
     * @param peakBytes of both ends, the most of all rounds
     * @param verified false when any round had a wrong byte; null when nobody compared
     * @param note what one must know
     * @param parts shares of the time in milliseconds, of the median round
     * @param unsupported why there is no such operation
     * @param error why it failed
     * @param rounds all of them
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Row(
            Point point,
            String subject,
            String unit,
            Summary figure,
            Double p99Micros,
            Double cpuSecondsPerGigabyte,
            Long peakBytes,
            Boolean verified,
            String note,
            Map<String, Double> parts,
            String unsupported,
            String error,
            List<Figures> rounds) {
        /** {@return peak memory for each GB moved, in bytes} */
        Double peakBytesPerGigabyte() {
            long bytes = rounds.stream().mapToLong(Figures::bytes).max().orElse(0);
            return peakBytes == null || bytes == 0 ? null : peakBytes / (bytes / 1e9);
        }
    }

    /**
     * Ours against another at one point, round by round.
     *
     * @param key workload and point
     * @param subject ours
     * @param against the other
     * @param role the other's
     * @param advantage how many times better ours is: more GB/s, or less time; below 1 it is behind
     * @param cpuRatio our CPU seconds per GB over the other's; null when not known of both
     * @param why we are behind; empty when we are not
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Comparison(
            String key,
            String subject,
            String against,
            Subject.Role role,
            Summary advantage,
            Double cpuRatio,
            String why) {
        boolean behind() {
            return advantage.median() < 1;
        }
    }

    Taker taker(String id) {
        return subjects.stream().filter(s -> s.id().equals(id)).findFirst().orElseThrow();
    }

    void write(Path file) throws IOException {
        Json.FILES.writeValue(file.toFile(), this);
    }

    static BenchReport read(Path file) throws IOException {
        var report = Json.FILES.readValue(file.toFile(), BenchReport.class);
        if (report.schema() != SCHEMA) {
            throw new IllegalArgumentException(
                    "%s has schema %d, and this version reads %d; measure again"
                            .formatted(file, report.schema(), SCHEMA));
        }
        return report;
    }
}
