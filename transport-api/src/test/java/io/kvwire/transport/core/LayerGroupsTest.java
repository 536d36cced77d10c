package io.kvwire.transport.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.PaceDecision;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.TransferOptions.Pace;

import org.junit.jupiter.api.Test;

import java.util.List;

/** Four layers of 100 tokens, 10 bytes each. */
class LayerGroupsTest {
    private final LayerGroups groups = new LayerGroups(10, 400);

    private void add(int layer, int first, int tokens) {
        groups.add(new BlockSender.Ready(layer, new TokenRange(first, tokens)));
    }

    private static PaceDecision groupsOf(long bytes) {
        return new PaceDecision(Pace.LAYERWISE, bytes, "test");
    }

    @Test
    void eachLayerGoesAtOnceWhereGroupsHaveNoLeastSize() {
        assertFalse(groups.due(groupsOf(0)), "there is nothing yet");
        add(0, 0, 100);
        assertTrue(groups.due(groupsOf(0)));
        assertEquals(1, groups.take().size());
        assertFalse(groups.due(groupsOf(0)), "it was taken");
    }

    @Test
    void smallLayersWaitForOneAnother() {
        add(0, 0, 100);
        add(1, 0, 100);
        assertFalse(groups.due(groupsOf(2_500)));
        add(2, 0, 100);
        assertTrue(groups.due(groupsOf(2_500)));
        assertEquals(
                List.of(0, 1, 2), groups.take().stream().map(BlockSender.Ready::layer).toList());
    }

    @Test
    void theLastGroupIsNotWaitedFor() {
        for (int layer = 0; layer < 3; layer++) {
            add(layer, 0, 100);
        }
        groups.take();
        assertFalse(groups.whole());
        add(3, 0, 100);
        assertTrue(groups.whole());
        assertTrue(groups.due(groupsOf(1_000_000)));
    }

    @Test
    void theUnitOfAChunkedPrefillIsALayerOfAChunk() {
        add(0, 0, 50);
        add(1, 0, 50);
        add(0, 50, 50);
        var taken = groups.take();
        assertEquals(List.of(0, 1, 0), taken.stream().map(BlockSender.Ready::layer).toList());
        assertEquals(new TokenRange(50, 50), taken.getLast().tokens());
    }

    @Test
    void chunksOfOneLayerThatAdjoinGoAsOne() {
        add(0, 0, 30);
        add(0, 30, 20);
        add(0, 60, 10);
        var taken = groups.take();
        assertEquals(
                List.of(new TokenRange(0, 50), new TokenRange(60, 10)),
                taken.stream().map(BlockSender.Ready::tokens).toList());
    }
}
