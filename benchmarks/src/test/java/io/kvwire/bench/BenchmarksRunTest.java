package io.kvwire.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Whether the benchmarks still run; what they measure here means nothing. */
@Timeout(120)
class BenchmarksRunTest {
    @Test
    void everythingThatNeedsNoDeviceRuns() throws RunnerException {
        var options =
                new OptionsBuilder()
                        .include("(Transfer|View|Layout|Post|Frame)Benchmark")
                        .forks(0)
                        .warmupIterations(0)
                        .measurementIterations(1)
                        .measurementTime(TimeValue.milliseconds(50))
                        .shouldFailOnError(true)
                        .verbosity(VerboseMode.SILENT)
                        .build();
        var results = new Runner(options).run();
        assertEquals(2 * 4 + 3 * 3 + 2 * 3 + 2 * 4 + 2 * 2, results.size());
        results.forEach(result ->
                assertTrue(
                        result.getPrimaryResult().getScore() > 0, result.getParams().toString()));
    }
}
