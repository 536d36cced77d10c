package io.kvwire.harness.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.harness.split.Choices;
import io.kvwire.harness.split.SplitRun;
import io.kvwire.harness.timeline.Span;
import io.kvwire.harness.timeline.Timeline;
import io.kvwire.harness.timeline.UnitTimes;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.Test;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;

class DemoTest {
    private static final List<Integer> PROMPT = List.of(1, 2, 3);
    private static final List<Integer> RIGHT = List.of(4, 5);
    private static final List<Integer> WRONG = List.of(4, 6);
    private static final long LATER = System.nanoTime() + 1_000_000_000_000L;

    private final Demo demo = new Demo(PROMPT, 2, 3, 1_000_000, what -> {});

    /** Answers what a script says. */
    private interface Script extends Processes {
        @Override
        default SplitRun handOver(Step step, List<Integer> prompt) {
            return run(step, prompt, 1);
        }

        @Override
        default void close() {}
    }

    private static SplitRun run(List<Integer> tokens, long ttft, long transfer) {
        return new SplitRun(
                tokens,
                ttft,
                10,
                ttft - transfer,
                transfer,
                transfer,
                64,
                Choices.NONE,
                timeline(ttft, transfer));
    }

    /** Two units, ready at 10 and 20 ns, share the transfer. */
    private static Timeline timeline(long ttft, long transfer) {
        var none = Span.NONE;
        var half = new Span(20, 20 + transfer / 2, transfer / 2);
        var units =
                List.of(
                        new UnitTimes(0, 0, 8, new Span(0, 10, 10), none, half, none),
                        new UnitTimes(1, 0, 8, new Span(10, 20, 10), none, half, none));
        return new Timeline(units, new Span(0, ttft - transfer, 0), ttft, ttft + 10, 0);
    }

    private DemoReport report(Processes split) {
        var rows = new ArrayList<Row>();
        Script single = (step, prompt, max) -> run(RIGHT, 100, 0);
        rows.add(demo.single(single));
        rows.addAll(demo.group(Step.ONE_HOST, split, LATER));
        return new DemoReport(rows, 12.34);
    }

    @Test
    void equalTokensEverywhereAreASuccess() {
        Script same = (step, prompt, max) -> run(RIGHT, 150, 50);

        var report = report(same);

        assertTrue(report.allTokensMatch());
        assertEquals(1 + Step.ONE_HOST.size(), report.steps().size());
        assertEquals(3, report.steps().getLast().rounds());
    }

    @Test
    void oneDifferingTokenInOneRoundOfOneStepIsAFailure() {
        for (int round = 0; round <= 3; round++) {
            int bad = round;
            var seen = new int[1];
            Script once =
                    (step, prompt, max) -> {
                        boolean counted =
                                step.mode().equals("layerwise")
                                        && prompt.equals(PROMPT)
                                        && max == 2;
                        return run(counted && seen[0]++ == bad ? WRONG : RIGHT, 150, 50);
                    };

            var report = report(once);

            assertFalse(report.allTokensMatch(), "round " + round);
            assertTrue(printed(report).contains("DIFFER"), printed(report));
        }
    }

    @Test
    void aCodecThatLosesSomethingMayDifferAndSaysByHowMuch() {
        var lossy = Step.LIMITED_RATE.stream().map(step -> step.in("int8")).toList();
        Script half = (step, prompt, max) -> run(List.of(RIGHT.getFirst(), -1), 150, 50);
        demo.single((Script) (step, prompt, max) -> run(RIGHT, 100, 0));

        var report = new DemoReport(demo.group(lossy, half, LATER), 0);

        assertTrue(report.allTokensMatch());
        assertEquals(
                List.of(0.5, 0.5, 0.5), report.steps().stream().map(Row::tokenAgreement).toList());
        assertTrue(printed(report).contains("50 %"), printed(report));
    }

    @Test
    void aCodecThatLosesSomethingMustStillArrive() {
        var lossy = List.of(Step.LIMITED_RATE.getFirst().in("int8"));
        Script broken =
                (step, prompt, max) -> {
                    throw new TransferException(ErrorCode.CORRUPT, "the frame is damaged");
                };
        demo.single((Script) (step, prompt, max) -> run(RIGHT, 100, 0));

        assertFalse(new DemoReport(demo.group(lossy, broken, LATER), 0).allTokensMatch());
    }

    @Test
    void aStepThatFailsIsAFailureAndTheOthersStillRun() {
        Script noFile =
                (step, prompt, max) -> {
                    if (step.path().equals("file")) {
                        throw new TransferException(ErrorCode.CORRUPT, "the disk is full");
                    }
                    return run(RIGHT, 150, 50);
                };

        var report = report(noFile);

        assertFalse(report.allTokensMatch());
        assertTrue(printed(report).contains("the disk is full"), printed(report));
        long equal = report.steps().stream().filter(Row::tokensMatch).count();
        assertEquals(Step.ONE_HOST.size(), equal);
    }

    @Test
    void anEmptyReportIsNoSuccess() {
        assertFalse(new DemoReport(List.of(), 0).allTokensMatch());
    }

    @Test
    void theHiddenShareComesFromTtftWhereTheTransferIsLong() {
        // Units are ready at 10 and 20 of 100 ns; the ideal end is 10 + 100, bulk takes 200.
        var bulk = List.of(run(RIGHT, 200, 100));
        var layerwise = List.of(run(RIGHT, 155, 145));

        var hidden = Row.hidden(layerwise, bulk);

        assertEquals("ttft", hidden.by());
        assertEquals(0.5, hidden.share(), 1e-9);
    }

    @Test
    void theHiddenShareComesFromTheTailWhereNoiseIsLargerThanTheTransfer() {
        var bulk = List.of(run(RIGHT, 100, 1), run(RIGHT, 140, 1), run(RIGHT, 180, 1));

        assertEquals("tail", Row.hidden(List.of(run(RIGHT, 130, 1)), bulk).by());
    }

    private static String printed(DemoReport report) {
        var text = new StringWriter();
        report.print(new PrintWriter(text));
        return text.toString();
    }
}
