package io.kvwire.harness.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleBiFunction;
import java.util.stream.IntStream;

/** Whole runs in an imagined time: a turn costs what a test says it costs. */
class BudgetTest {
    private static final double SECONDS = 0.25;
    private static final int ROUNDS = 2;
    private static final List<Subject> SUBJECTS = Subject.all().subList(0, 5);

    private long now = 1_000;
    private Budget budget;

    /** Rounds of each point. */
    private List<Integer> run(
            double limit, int points, ToDoubleBiFunction<Subject, Boolean> besides) {
        budget = new Budget(() -> now, limit);
        pass(5);
        budget.started(SUBJECTS.size(), 5);
        var all =
                IntStream.range(0, points)
                        .mapToObj(i -> new Budget.Ahead(Samples.blocks(16, 16, 64), SUBJECTS))
                        .toList();
        var made = new ArrayList<Integer>();
        for (int i = 0; i < points; i++) {
            made.add(point(all.subList(i, points), besides));
        }
        return made;
    }

    private int point(List<Budget.Ahead> ahead, ToDoubleBiFunction<Subject, Boolean> besides) {
        double seconds = budget.turn(ahead, SECONDS, 0);
        assertTrue(seconds <= SECONDS && seconds >= SECONDS * Budget.SHORTEST, "turn " + seconds);
        long start = now;
        int rounds = 0;
        while (rounds == 0
                || (rounds < ROUNDS
                        && budget.allows(
                                ahead, seconds, ROUNDS - rounds, ROUNDS, (now - start) / 1e9, 0))) {
            for (var subject : SUBJECTS) {
                double took =
                        seconds * Budget.WITH_WARM_UP + besides.applyAsDouble(subject, rounds == 0);
                pass(took);
                budget.turned(subject, ahead.getFirst().point(), rounds == 0, seconds, took);
            }
            rounds++;
        }
        return rounds;
    }

    private void pass(double seconds) {
        now += (long) (seconds * 1e9);
    }

    @Test
    void whereThereIsTimeEveryPointGetsAllItsRounds() {
        var rounds = run(75, 9, (subject, first) -> first ? 0.3 : 0.1);
        assertEquals(List.of(ROUNDS), rounds.stream().distinct().toList(), rounds.toString());
        assertTrue(budget.left() > 0, "over by " + -budget.left());
    }

    @Test
    void whereThereIsLessEveryPointGetsOneRoundAndTheTimeIsKept() {
        // Nine points of five turns with a second each beside: 45 s at least, 90 s and more in all.
        var rounds = run(65, 9, (subject, first) -> 1);
        assertTrue(rounds.stream().allMatch(r -> r >= 1), rounds.toString());
        assertTrue(rounds.contains(1), rounds.toString());
        assertTrue(budget.left() > -1, "over by " + -budget.left());
    }

    @Test
    void whatIsLeftAtTheEndIsUsed() {
        // The first turns are dear and the others are not, so that the first guess is too high.
        double[] dear = {3};
        var rounds =
                run(
                        40,
                        9,
                        (subject, first) -> {
                            dear[0] *= 0.7;
                            return dear[0];
                        });
        assertEquals(ROUNDS, rounds.getLast(), rounds.toString());
        assertTrue(budget.left() > 0, "over by " + -budget.left());
    }

    @Test
    void whoHasNoSuchOperationCostsNothing() {
        budget = new Budget(() -> now, 10);
        var point = Samples.blocks(16, 16, 64);
        var ahead = new Budget.Ahead(point, SUBJECTS);
        double before = budget.round(ahead, SECONDS, true);
        budget.refused(SUBJECTS.getFirst(), point);
        assertEquals(before * 4 / 5, budget.round(ahead, SECONDS, true), 1e-9);
    }
}
