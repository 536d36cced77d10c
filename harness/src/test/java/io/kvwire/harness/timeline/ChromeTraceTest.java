package io.kvwire.harness.timeline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Reads the file back as a viewer does. */
class ChromeTraceTest {
    @TempDir private Path folder;

    private static Timeline run() {
        var first =
                new UnitTimes(
                        0,
                        0,
                        16,
                        new Span(10_000, 20_000, 10_000),
                        Span.NONE,
                        new Span(21_000, 41_000, 20_000),
                        new Span(41_000, 42_000, 1_000));
        var second =
                new UnitTimes(
                        1,
                        0,
                        16,
                        new Span(20_000, 30_000, 10_000),
                        Span.NONE,
                        new Span(31_000, 61_000, 20_000),
                        new Span(61_000, 62_000, 1_000));
        return new Timeline(
                List.of(first, second), new Span(10_000, 35_000, 25_000), 65_000, 90_000, 3);
    }

    private List<JsonNode> written(ChromeTrace trace) throws IOException {
        var file = folder.resolve("trace.json");
        trace.write(file);
        var root = JsonMapper.builder().build().readTree(file.toFile());
        assertEquals("ms", root.get("displayTimeUnit").asText());
        var events = new ArrayList<JsonNode>();
        root.get("traceEvents").forEach(events::add);
        return events;
    }

    private static List<JsonNode> spans(List<JsonNode> events, int pid, String name) {
        return events.stream()
                .filter(event -> event.get("ph").asText().equals("X"))
                .filter(event -> event.get("pid").asInt() == pid)
                .filter(event -> event.get("name").asText().startsWith(name))
                .toList();
    }

    @Test
    void computeAndTransferStandSideBySideOnOneClock() throws IOException {
        var events = written(new ChromeTrace().add("tcp", run()));

        var rows = new HashMap<String, String>();
        for (var event : events) {
            if (event.get("name").asText().endsWith("_name")) {
                rows.put(
                        event.get("pid") + "." + event.get("tid"), event.at("/args/name").asText());
            }
        }
        assertEquals(
                Map.of(
                        "1.0", "tcp: prefill",
                        "1.1", "compute",
                        "1.3", "wire",
                        "2.0", "tcp: decode",
                        "2.1", "decode",
                        "2.2", "compute"),
                rows);
        var second = spans(events, 1, "layer 1");
        assertEquals(20, second.get(0).get("ts").asDouble(), "computed while the first is carried");
        assertEquals(10, second.get(0).get("dur").asDouble());
        assertEquals(41, second.get(1).get("ts").asDouble(), "the wire was busy until then");
        assertEquals(20, second.get(1).get("dur").asDouble());
        assertEquals(31, second.get(1).at("/args/enteredMicros").asDouble());
        assertEquals(61, spans(events, 2, "layer 1").getFirst().get("ts").asDouble());
        assertEquals(65, spans(events, 2, "continuation").getFirst().get("ts").asDouble());
        assertEquals(5, spans(events, 1, "rest of prefill").getFirst().get("dur").asDouble());
    }

    /** A frame that had arrived before it was given to the wire, by clocks that do not agree. */
    @Test
    void whatTookNoTimeIsShown() throws IOException {
        var unit =
                new UnitTimes(
                        0,
                        0,
                        16,
                        new Span(10_000, 20_000, 10_000),
                        Span.NONE,
                        new Span(21_000, 21_000, 0),
                        Span.NONE);
        var run = new Timeline(List.of(unit), new Span(10_000, 20_000, 10_000), 30_000, 40_000, 3);

        var shown = spans(written(new ChromeTrace().add("tcp", run)), 1, "layer 0");
        assertEquals(2, shown.size(), "computed and carried");
        assertEquals(21, shown.get(1).get("ts").asDouble());
        assertEquals(0, shown.get(1).get("dur").asDouble());
    }

    @Test
    void eventsOfARowDoNotOverlap() throws IOException {
        var events = written(new ChromeTrace().add("one", run()).add("other", run()));

        var ends = new HashMap<String, Double>();
        for (var event : events) {
            if (event.get("ph").asText().equals("X")) {
                var row = event.get("pid") + "." + event.get("tid");
                double start = event.get("ts").asDouble();
                assertTrue(start >= ends.getOrDefault(row, 0.0), event.toString());
                ends.put(row, start + event.get("dur").asDouble());
            }
        }
        assertEquals(8, ends.size(), "compute, wire, decode and compute of each run");
    }
}
