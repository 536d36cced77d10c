package io.kvwire.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;

import org.junit.jupiter.api.Test;

import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.stream.IntStream;

class BlockRunsTest {
    private static final KvLayout LAYOUT =
            KvLayout.builder().kvHeads(2).headDim(4).tokensPerBlock(16).build();
    private static final LayoutPlan PLAN = LayoutPlan.between(LAYOUT, LAYOUT);

    @Test
    void aCursorThatWasNotStartedHasNoRuns() {
        assertFalse(new BlockRuns().next());
    }

    @Test
    void anEndedCursorStaysAtItsEnd() {
        var runs = new BlockRuns();
        start(runs, new int[] {0}, 1, new TokenRange(0, 16));

        while (runs.next()) {
            assertEquals(LAYOUT.partBytes() * 2, runs.length());
        }

        assertFalse(runs.next());
    }

    @Test
    void keysAndValuesInMemoryOfTheirOwnAreNeverMerged() {
        var key = MemorySegment.ofArray(new byte[(int) LAYOUT.partBytes()]);
        var value = MemorySegment.ofArray(new byte[(int) (2 * LAYOUT.partBytes())]);
        var placement = new LayerPlacement(key, 0, value, LAYOUT.partBytes(), LAYOUT.partBytes());
        var runs = new BlockRuns();
        runs.start(
                PLAN,
                LAYOUT,
                new int[] {0},
                BlockRuns.Origin.of(placement, 1),
                new TokenRange(0, 16));

        assertTrue(runs.next());
        assertSame(key, runs.segment());
        assertEquals(0, runs.offset());
        assertTrue(runs.next());
        assertSame(value, runs.segment());
        assertEquals(LAYOUT.partBytes(), runs.offset());
        assertFalse(runs.next());
    }

    @Test
    void aTableThatIsTooShortIsRefused() {
        var refusal = refused(new int[] {0, 1}, 4, new TokenRange(0, 33));

        assertEquals("token 32 needs block 2 of a table of 2", refusal.getMessage());
    }

    @Test
    void blocksThatTheCacheLacksAreRefused() {
        assertEquals(
                "block 4 of a cache of 4 blocks",
                refused(new int[] {0, 4}, 4, new TokenRange(0, 17)).getMessage());
        assertEquals(
                "block -1 of a cache of 4 blocks",
                refused(new int[] {0, -1}, 4, new TokenRange(0, 17)).getMessage());
    }

    @Test
    void blocksBeforeAndAfterTheRangeAreNotLookedAt() {
        var runs = new BlockRuns();

        start(runs, new int[] {99, 1, 99}, 4, new TokenRange(16, 16));

        assertTrue(runs.next());
    }

    @Test
    void aRefusedStartLeavesNoRunsOfTheOneBefore() {
        var runs = new BlockRuns();
        start(runs, new int[] {0}, 1, new TokenRange(0, 16));

        assertThrows(
                TransferException.class, () -> start(runs, new int[0], 1, new TokenRange(0, 1)));

        assertFalse(runs.next());
    }

    @Test
    void aLayoutThatThePlanDoesNotHaveIsRefused() {
        var other = KvLayout.builder().kvHeads(2).headDim(4).tokensPerBlock(32).build();

        assertThrows(
                IllegalArgumentException.class,
                () ->
                        new BlockRuns()
                                .start(
                                        PLAN,
                                        other,
                                        new int[] {0},
                                        BlockRuns.Origin.dense(other, 1),
                                        new TokenRange(0, 1)));
    }

    @Test
    void theLastTokensThatAnIntCanNameAreWalked() {
        var wide =
                KvLayout.builder()
                        .headDim(1)
                        .dtype(DType.INT8)
                        .form(KvForm.LATENT)
                        .tokensPerBlock(1 << 20)
                        .build();
        var table = IntStream.range(0, 1 << 11).toArray();
        var runs = new BlockRuns();
        runs.start(
                LayoutPlan.between(wide, wide),
                wide,
                table,
                BlockRuns.Origin.dense(wide, table.length),
                new TokenRange(Integer.MAX_VALUE - 10, 10));

        assertTrue(runs.next());
        assertEquals(Integer.MAX_VALUE - 10, runs.offset());
        assertEquals(10, runs.length());
        assertFalse(runs.next());
    }

    @Test
    void walkingAllocatesNothing() {
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        var target =
                KvLayout.builder()
                        .kvHeads(2)
                        .headDim(4)
                        .tokensPerBlock(64)
                        .order(KvOrder.HND)
                        .form(KvForm.FUSED)
                        .build();
        var plan = LayoutPlan.between(LAYOUT, target);
        var origin = BlockRuns.Origin.dense(LAYOUT, 64);
        var table = IntStream.range(0, 64).map(i -> i * 7 % 64).toArray();
        var tokens = new TokenRange(5, 1000);
        var runs = new BlockRuns();
        long bytes = 0;
        for (int i = 0; i < 10; i++) {
            bytes = walk(runs, plan, table, origin, tokens);
        }

        long before = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < 100; i++) {
            bytes += walk(runs, plan, table, origin, tokens);
        }
        long allocated = threads.getCurrentThreadAllocatedBytes() - before;

        assertEquals(101 * plan.bytes(1000), bytes);
        assertTrue(allocated < 4096, "100 walks allocated " + allocated + " bytes");
    }

    private static long walk(
            BlockRuns runs,
            LayoutPlan plan,
            int[] table,
            BlockRuns.Origin origin,
            TokenRange tokens) {
        runs.start(plan, plan.source(), table, origin, tokens);
        long bytes = 0;
        while (runs.next()) {
            bytes += runs.length();
        }
        return bytes;
    }

    private static void start(BlockRuns runs, int[] table, int blocks, TokenRange tokens) {
        runs.start(PLAN, LAYOUT, table, BlockRuns.Origin.dense(LAYOUT, blocks), tokens);
    }

    private static TransferException refused(int[] table, int blocks, TokenRange tokens) {
        var refusal =
                assertThrows(
                        TransferException.class,
                        () -> start(new BlockRuns(), table, blocks, tokens));
        assertEquals(ErrorCode.OUT_OF_RANGE, refusal.code());
        return refusal;
    }
}
