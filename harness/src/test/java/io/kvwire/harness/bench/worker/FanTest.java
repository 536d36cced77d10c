package io.kvwire.harness.bench.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.harness.bench.Point;
import io.kvwire.harness.bench.Samples;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.stream.Stream;

@Timeout(120)
class FanTest {
    @ParameterizedTest
    @CsvSource({"MANY_TO_ONE, 7", "ONE_TO_MANY, 7", "ALL_TO_ALL, 56"})
    void aFanHasTheseFlows(Point.Kind kind, int flows) {
        var fan = Samples.fan(kind, 8);
        assertEquals(flows, fan.flows().size());
        assertEquals(flows, fan.flows().stream().distinct().count());
        assertTrue(fan.flows().stream().noneMatch(flow -> flow.from() == flow.to()));
    }

    @Test
    void everyFanMovesBytesThatAreRightAtEveryEnd() {
        try (var fan = new Fan(new Link("tcp", "raw", 1, false))) {
            Stream.of(Point.Kind.MANY_TO_ONE, Point.Kind.ONE_TO_MANY, Point.Kind.ALL_TO_ALL)
                    .map(kind -> Samples.fan(kind, 3))
                    .forEach(point -> {
                        var figures = fan.measure(point, 0.05);
                        assertTrue(figures.verified(), point.kind().toString());
                        assertTrue(
                                figures.transfers() >= point.flows().size(),
                                point.kind().toString());
                        assertEquals(figures.transfers() * point.requestBytes(), figures.bytes());
                    });
        }
    }

    /** Fewer requests than targets: the last ones got none, and nobody claims that they did. */
    @Test
    void whatIsCountedForEachTargetAddsUp() {
        var link = new Link("tcp", "raw", 1, false);
        var point = Samples.fan(Point.Kind.ONE_TO_MANY, 3);
        try (var fan = new Fan(link)) {
            var figures = fan.measure(point, 1e-9);
            assertTrue(figures.verified());
            assertTrue(figures.transfers() >= 1);
        }
    }

    @Test
    void anEndThatCannotStartSaysWhy() {
        try (var fan = new Fan(new Link("no-such-path", "raw", 1, false))) {
            var point = Samples.fan(Point.Kind.ONE_TO_MANY, 2);
            var error = assertThrows(TransferException.class, () -> fan.measure(point, 0.01));
            assertTrue(error.getMessage().contains("no-such-path"), error.getMessage());
        }
    }
}
