package io.kvwire.tcp.coded;

import io.kvwire.transport.Access;
import io.kvwire.transport.BlockTable;
import io.kvwire.transport.KvCache;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvOrder;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.TransferNode;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * One rank's cache in memory of its own, and a request's blocks in it, in any order. Finds an
 * element by the plain formulas of docs/layouts.md, apart from the library.
 */
final class HeldCache {
    static final String NAME = "kv";
    private static final int SPARE_BLOCKS = 2;

    final KvLayout layout;
    final KvCache cache;
    final BlockTable table;
    private final List<MemorySegment> layers = new ArrayList<>();
    private final int blocks;

    /** What an element is of: a row is the elements of one head of one token in one part. */
    record Row(int layer, int part, int token, int head) {}

    HeldCache(TransferNode node, Arena arena, KvLayout layout, int tokens, long seed) {
        this.layout = layout;
        blocks = layout.blocksFor(tokens) + SPARE_BLOCKS;
        var random = new Random(seed);
        var placement = new ArrayList<LayerPlacement>();
        for (int i = 0; i < layout.layers(); i++) {
            var memory = arena.allocate(blocks * layout.blockBytes(), 64);
            var bytes = new byte[(int) memory.byteSize()];
            random.nextBytes(bytes);
            MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, bytes.length);
            layers.add(memory);
            placement.add(LayerPlacement.dense(layout, memory, blocks));
        }
        cache = node.register(NAME, layout, placement, blocks, Access.REMOTE_READ_WRITE);
        table =
                cache.table(
                        random.ints(0, blocks)
                                .distinct()
                                .limit(layout.blocksFor(tokens))
                                .toArray());
    }

    /** A copy of a layer as it is now. */
    byte[] image(int layer) {
        return layers.get(layer).toArray(ValueLayout.JAVA_BYTE);
    }

    MemorySegment memory(int layer) {
        return layers.get(layer);
    }

    /** Where a row of one of this rank's heads begins in the memory of its layer. */
    long address(Row row) {
        int perBlock = layout.tokensPerBlock();
        long block = table.id(row.token / perBlock);
        long part = layout.partBytes();
        long start =
                layout.form() == KvForm.FUSED
                        ? (2 * block + row.part) * part
                        : (row.part * (long) blocks + block) * part;
        int token = row.token % perBlock;
        int head = row.head - layout.firstHead();
        long vector =
                layout.order() == KvOrder.NHD
                        ? (long) token * layout.heads() + head
                        : (long) head * perBlock + token;
        return start + vector * layout.headDim() * layout.dtype().bytes();
    }

    boolean holds(int head) {
        return head >= layout.firstHead() && head < layout.firstHead() + layout.heads();
    }
}
