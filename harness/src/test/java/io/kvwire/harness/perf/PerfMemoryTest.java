package io.kvwire.harness.perf;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.Access;
import io.kvwire.transport.HostArena;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferNode;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.foreign.ValueLayout;

/** Verification fails when anything is wrong, and only then. */
class PerfMemoryTest {
    private static final int BLOCK_BYTES = 4096;
    private static final int BLOCKS = 16;
    private static final PerfCase POINT =
            new PerfCase(PerfOp.WRITE, BLOCK_BYTES, 4, BLOCKS * BLOCK_BYTES, true, false);

    private TransferNode node;
    private PerfMemory source;
    private PerfMemory target;

    @BeforeEach
    void placeEveryBlockOfAFilledSourceInItsTarget() {
        node = TransferNode.start(NodeConfig.named("perf-memory-test"));
        source = new PerfMemory(node, "source", POINT, Access.LOCAL, HostArena.open());
        target = new PerfMemory(node, "target", POINT, Access.LOCAL, HostArena.open());
        source.fill();
        target.poison();
        int[] from = POINT.order(true);
        int[] to = POINT.order(false);
        for (int place = 0; place < BLOCKS; place++) {
            copy(from[place], to[place]);
        }
    }

    private void copy(int from, int to) {
        target.memory()
                .asSlice((long) to * BLOCK_BYTES, BLOCK_BYTES)
                .copyFrom(source.memory().asSlice((long) from * BLOCK_BYTES, BLOCK_BYTES));
    }

    @AfterEach
    void close() {
        source.close();
        target.close();
        node.close();
    }

    @Test
    void whatWasPlacedRightIsRight() {
        assertTrue(target.verify(BLOCKS));
        assertTrue(target.verify(BLOCKS * 3L), "a working set that was written three times over");
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCKS * BLOCK_BYTES - 1})
    void oneFlippedBitIsFound(long at) {
        byte right = target.memory().get(ValueLayout.JAVA_BYTE, at);
        target.memory().set(ValueLayout.JAVA_BYTE, at, (byte) (right ^ 1));
        assertFalse(target.verify(BLOCKS));

        target.memory().set(ValueLayout.JAVA_BYTE, at, right);
        assertTrue(target.verify(BLOCKS));
    }

    @Test
    void twoBlocksInEachOthersPlaceAreFound() {
        int[] from = POINT.order(true);
        int[] to = POINT.order(false);
        copy(from[0], to[1]);
        copy(from[1], to[0]);

        assertFalse(target.verify(BLOCKS));
    }

    @Test
    void aBlockThatNeverCameIsFound() {
        target.poison();

        assertFalse(target.verify(1));
        assertTrue(target.verify(0), "nothing was sent, so nothing is expected");
    }
}
