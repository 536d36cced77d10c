package io.kvwire.harness.bench.worker;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.harness.bench.Figures;
import io.kvwire.harness.bench.Point;
import io.kvwire.harness.bench.Samples;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

@Timeout(60)
class BenchCacheTest {
    @TempDir private Path folder;

    @Test
    void whatWasFilledIsRightAndOneFlippedBitIsSeen() {
        try (var cache = new BenchCache(Samples.blocks(16, 16, 64), true, "tcp")) {
            assertFalse(cache.verify(1, true), "zeros are not what a source holds");
            cache.fill();
            assertTrue(cache.verify(3, true));
            MemorySegment memory = cache.placement().getLast().value();
            memory.set(ValueLayout.JAVA_BYTE, 0, (byte) (memory.get(ValueLayout.JAVA_BYTE, 0) ^ 1));
            assertFalse(cache.verify(3, true));
            cache.poison();
            assertFalse(cache.verify(3, false), "poison passed for INT8");
        }
    }

    @Test
    void aFileCarriesRequestsBetweenUnequalEnds() {
        for (var codec : List.of("raw", "int8")) {
            try (var files = new FileEnds(folder, codec)) {
                var figures = files.measure(Samples.blocks(16, 32, 64), 0.01);
                assertTrue(figures.verified(), codec);
                assertTrue(figures.bytes() > 0, codec);
            }
        }
    }

    @Test
    void everyKindOfPointIsMeasuredAndVerifiedOverTcp() {
        var link = new Link("tcp", "raw", 1, false);
        try (var target = new TargetProcess(link, false);
                var source = new Source(link, target)) {
            Stream.of(
                            Samples.blocks(16, 16, 64),
                            Samples.blocks(16, 32, 64),
                            Samples.of(Point.Kind.TRANSFER),
                            Samples.of(Point.Kind.MESSAGE),
                            Samples.of(Point.Kind.CHURN),
                            Samples.of(Point.Kind.CHURN),
                            Samples.blocks(16, 16, 64))
                    .forEach(point -> right(point, source.measure(point, 0.02)));
        }
    }

    private static void right(Point point, Figures figures) {
        assertTrue(figures.verified(), point.key());
        assertTrue(figures.bytes() >= point.requestBytes(), point.key());
        assertTrue(figures.p50Micros() > 0, point.key());
        assertTrue(figures.cpuSeconds() >= 0, point.key());
    }

    @Test
    void int8IsRightWithinItsBoundAndNotExactly() {
        var link = new Link("tcp", "int8", 1, false);
        try (var target = new TargetProcess(link, false);
                var source = new Source(link, target)) {
            right(Samples.blocks(16, 16, 64), source.measure(Samples.blocks(16, 16, 64), 0.02));
        }
    }

    @Test
    void aTargetThatCannotTellSaysWhy() {
        var link = new Link("no-such-path", "raw", 1, false);
        try (var target = new TargetProcess(link, false)) {
            var error = assertThrows(RuntimeException.class, () -> new Source(link, target));
            assertTrue(error.getMessage().contains("no-such-path"), error.getMessage());
        }
    }
}
