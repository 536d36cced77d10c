package io.kvwire.transport.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.CodecDecision;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.ArrayList;
import java.util.List;

/** What {@code auto} chooses once transfers have shown what each way takes. */
class CodecExperienceTest {
    private static final String CODEC = "int8";
    private static final long BYTES = 4 << 20;
    private static final long FRAME = 1 << 20;

    /** So many transfers are enough to know both ways. */
    private static final int SOON = 12;

    private final CodecExperience experience = new CodecExperience();

    /** A first probe that is ten times too low, and one that is ten times too high. */
    @ParameterizedTest
    @CsvSource({"0.5e9, 1.0, 1.3, raw", "5e9, 1.3, 1.0, int8"})
    void whatIsFasterIsFoundThoughTheLinkWasMeasuredWrong(
            double link, double rawMillis, double codedMillis, String faster) {
        var rates = new CodecDecision.Rates(link, 2e9, 2.5e9, 1.93, 2);
        var before = experience.choose(CODEC, rates, BYTES, FRAME, false);
        assertTrue(!before.codec().equals(faster), before.reason());
        choices(SOON, rates, rawMillis, codedMillis);
        for (var choice : choices(50, rates, rawMillis, codedMillis)) {
            assertEquals(faster, choice.codec(), choice.reason());
        }
    }

    @Test
    void aTrialSaysSo() {
        var rates = new CodecDecision.Rates(1e9, 8e9, 8e9, 1.93, 2);
        var trial =
                choices(SOON, rates, 4, 2).stream()
                        .filter(choice -> choice.codec().equals("raw"))
                        .findFirst()
                        .orElseThrow();
        assertTrue(
                trial.reason().startsWith("2.000 ms with int8 as seen, 3.860 ms raw"),
                trial.reason());
        assertTrue(trial.reason().endsWith("tried all the same"), trial.reason());
    }

    /** On a slow link the way that takes twice as long is taken once in a long while. */
    @Test
    void whatIsFarSlowerIsHardlyTried() {
        var rates = new CodecDecision.Rates(1e9, 8e9, 8e9, 1.93, 2);
        long tried =
                choices(1000, rates, 4.2, 2.2).stream()
                        .filter(choice -> choice.codec().equals("raw"))
                        .count();
        assertTrue(tried >= 2 && tried <= 10, "tried " + tried + " times");
    }

    /** The machine stood still during the only try of what is far better. */
    @Test
    void aTryThatMetAPauseIsMadeAgain() {
        var rates = new CodecDecision.Rates(1e9, 8e9, 8e9, 1.93, 2);
        boolean tried = false;
        while (!tried) {
            tried = choices(1, rates, 50, 2).getFirst().codec().equals("raw");
        }
        assertEquals(CODEC, choices(1, rates, 1, 2).getFirst().codec());
        var later = choices(20, rates, 1, 2);
        assertEquals("raw", later.getLast().codec(), later.getLast().reason());
    }

    @Test
    void whatTheFormulaRulesOutIsNeverTried() {
        var rates = new CodecDecision.Rates(50e9, 2e9, 2e9, 1.93, 1);
        for (var choice : choices(1000, rates, 0.1, 3)) {
            assertEquals("raw", choice.codec(), choice.reason());
        }
    }

    @Test
    void whatMakesFramesLongerIsNeverTried() {
        var rates = new CodecDecision.Rates(1e9, 50e9, 50e9, 0.99, 8);
        for (var choice : choices(1000, rates, 100, 0.1)) {
            assertEquals("raw", choice.codec(), choice.reason());
        }
    }

    /** The load on the cores changes, the link does not. */
    @Test
    void aChangeIsNoticed() {
        var rates = new CodecDecision.Rates(3e9, 4e9, 4e9, 1.93, 2);
        choices(SOON, rates, 1.4, 1.0);
        assertEquals(CODEC, choices(1, rates, 1.4, 1.0).getFirst().codec());
        choices(SOON, rates, 1.4, 2.0);
        assertEquals("raw", choices(1, rates, 1.4, 2.0).getFirst().codec());
    }

    @Test
    void anotherLinkMakesTheFormulaDecideAgain() {
        var fast = new CodecDecision.Rates(5e9, 2e9, 2e9, 1.93, 2);
        choices(SOON, fast, 0.8, 1.2);
        var slow = new CodecDecision.Rates(0.5e9, 2e9, 2e9, 1.93, 2);
        var choice = experience.choose(CODEC, slow, BYTES, FRAME, true);
        assertEquals(CODEC, choice.codec(), choice.reason());
    }

    @Test
    void anotherSizeIsAnotherMatter() {
        var rates = new CodecDecision.Rates(0.5e9, 2e9, 2.5e9, 1.93, 2);
        choices(SOON, rates, 1.0, 1.3);
        var choice = experience.choose(CODEC, rates, 16 * BYTES, FRAME, true);
        assertEquals(CODEC, choice.codec(), choice.reason());
    }

    /** What shares the link with others is not measured, and so there is nothing to try. */
    @Test
    void transfersThatOverlapTeachNothing() {
        var rates = new CodecDecision.Rates(0.5e9, 2e9, 2.5e9, 1.93, 2);
        for (int i = 0; i < 100; i++) {
            var one = experience.choose(CODEC, rates, BYTES, FRAME, true);
            var watch = experience.watch(one, BYTES);
            var other = experience.choose(CODEC, rates, BYTES, FRAME, false);
            assertEquals(CODEC, one.codec(), one.reason());
            assertEquals(CODEC, other.codec(), other.reason());
            watch.done(watch.sinceNanos() + 100_000_000);
        }
    }

    @Test
    void whatIsWatchedOnlyAfterAnotherWasChosenForTeachesNothing() {
        var rates = new CodecDecision.Rates(0.5e9, 2e9, 2.5e9, 1.93, 2);
        for (int i = 0; i < 100; i++) {
            var one = experience.choose(CODEC, rates, BYTES, FRAME, true);
            assertEquals(CODEC, one.codec(), one.reason());
            experience.choose(CODEC, rates, BYTES, FRAME, false);
            var watch = experience.watch(one, BYTES);
            watch.done(watch.sinceNanos() + 100_000_000);
        }
    }

    private List<CodecDecision> choices(
            int count, CodecDecision.Rates rates, double rawMillis, double codedMillis) {
        var made = new ArrayList<CodecDecision>();
        for (int i = 0; i < count; i++) {
            var decision = experience.choose(CODEC, rates, BYTES, FRAME, true);
            var watch = experience.watch(decision, BYTES);
            double millis = watch.coded() ? codedMillis : rawMillis;
            watch.done(watch.sinceNanos() + (long) (millis * 1e6));
            made.add(decision);
        }
        return made;
    }
}
