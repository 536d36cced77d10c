package io.kvwire.harness.timeline;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * A file in Chrome's trace event format, which Perfetto and chrome://tracing show: prefill and
 * decode of each run as two processes, one row for each stage, all from the moment at which decode
 * asked. A unit's event in a row is the time in which it kept the stage busy; when it entered the
 * stage is among the event's arguments. Not thread-safe.
 *
 * <p>Source: the Trace Event Format document of the Chromium project, events of the phases X and M.
 */
public final class ChromeTrace {
    private final List<Event> events = new ArrayList<>();
    private int processes;

    /** Starts without runs. */
    public ChromeTrace() {}

    /** One event; times in microseconds. */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Event(
            String name,
            String cat,
            String ph,
            Double ts,
            Double dur,
            int pid,
            int tid,
            Map<String, Object> args) {}

    private record Contents(List<Event> traceEvents, String displayTimeUnit) {}

    /**
     * Adds a run.
     *
     * @param name of the run
     * @param run with or without units
     * @return this
     */
    public ChromeTrace add(String name, Timeline run) {
        int prefill = process(name + ": prefill");
        row(prefill, 1, "compute", run.units(), UnitTimes::compute);
        long computed =
                run.units().isEmpty()
                        ? run.prefill().startNanos()
                        : run.units().getLast().compute().endNanos();
        span(prefill, 1, "rest of prefill", computed, run.prefill().endNanos());
        row(prefill, 2, "encode", run.units(), UnitTimes::encode);
        row(prefill, 3, "wire", run.units(), UnitTimes::wire);
        int decode = process(name + ": decode");
        row(decode, 1, "decode", run.units(), UnitTimes::decode);
        thread(decode, 2, "compute");
        span(decode, 2, "waiting for the cache", 0, run.readyNanos());
        span(decode, 2, "continuation", run.readyNanos(), run.endNanos());
        return this;
    }

    private int process(String name) {
        int pid = ++processes;
        events.add(new Event("process_name", null, "M", null, null, pid, 0, Map.of("name", name)));
        events.add(
                new Event(
                        "process_sort_index",
                        null,
                        "M",
                        null,
                        null,
                        pid,
                        0,
                        Map.of("sort_index", pid)));
        return pid;
    }

    private void thread(int pid, int tid, String name) {
        events.add(new Event("thread_name", null, "M", null, null, pid, tid, Map.of("name", name)));
    }

    private void span(int pid, int tid, String name, long start, long end) {
        if (end > start) {
            events.add(
                    new Event(name, "run", "X", start / 1e3, (end - start) / 1e3, pid, tid, null));
        }
    }

    /** Events of a row must not overlap, so each begins where the one before has ended. */
    private void row(
            int pid, int tid, String stage, List<UnitTimes> units, Function<UnitTimes, Span> of) {
        var inOrder =
                units.stream()
                        .filter(unit -> of.apply(unit).some())
                        .sorted(Comparator.comparingLong(unit -> of.apply(unit).endNanos()))
                        .toList();
        if (inOrder.isEmpty()) {
            return;
        }
        thread(pid, tid, stage);
        long before = Long.MIN_VALUE;
        for (var unit : inOrder) {
            var span = of.apply(unit);
            long start = Math.max(span.startNanos(), before);
            before = span.endNanos();
            events.add(
                    new Event(
                            "layer " + unit.layer() + ", token " + unit.firstToken(),
                            stage,
                            "X",
                            start / 1e3,
                            (before - start) / 1e3,
                            pid,
                            tid,
                            Map.of(
                                    "layer", unit.layer(),
                                    "firstToken", unit.firstToken(),
                                    "tokens", unit.tokens(),
                                    "enteredMicros", span.startNanos() / 1e3,
                                    "busyMicros", span.busyNanos() / 1e3)));
        }
    }

    /**
     * Writes the file.
     *
     * @param file to create or replace
     * @throws IOException when it cannot be written
     */
    public void write(Path file) throws IOException {
        JsonMapper.builder().build().writeValue(file.toFile(), new Contents(events, "ms"));
    }
}
