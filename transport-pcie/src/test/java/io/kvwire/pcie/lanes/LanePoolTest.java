package io.kvwire.pcie.lanes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

class LanePoolTest {
    private record Lane(int number) {}

    private final List<Integer> closed = new ArrayList<>();
    private int opened;
    private final LanePool<Lane> pool =
            new LanePool<>(() -> new Lane(opened++), lane -> closed.add(lane.number()));

    @Test
    void oneUserAfterTheOtherHasTheSameLane() {
        pool.use(lane -> assertEquals(0, lane.number()));

        assertEquals(7, pool.count(lane -> lane.number() + 7));
        assertEquals(1, opened);
    }

    @Test
    void usersAtOneTimeHaveLanesOfTheirOwn() {
        pool.use(first -> pool.use(second -> assertEquals(1, second.number())));

        assertEquals(2, opened);
    }

    @Test
    void theLaneThatCameBackLastGoesOutFirst() {
        var first = pool.take();
        var second = pool.take();
        pool.give(first);
        pool.give(second);

        assertSame(second, pool.take());
    }

    @Test
    void aLaneComesBackAfterAnError() {
        assertThrows(
                IllegalStateException.class,
                () ->
                        pool.use(lane -> {
                            throw new IllegalStateException("of the device");
                        }));

        pool.use(lane -> assertEquals(0, lane.number()));
    }

    @Test
    void lanesAreClosedOnce() {
        pool.use(first -> pool.use(second -> {}));

        pool.close();
        pool.close();

        assertEquals(List.of(0, 1), closed.stream().sorted().toList());
    }
}
