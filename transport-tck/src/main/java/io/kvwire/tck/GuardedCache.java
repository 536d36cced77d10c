package io.kvwire.tck;

import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvOrder;
import io.kvwire.transport.LayerPlacement;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.LongConsumer;
import java.util.stream.IntStream;

/**
 * Memory of a paged cache amid guard bytes. Knows by the plain formulas of the layout where each
 * vector lies, element by element and independently of the library, so that the whole memory,
 * guards included, can be compared with what a transfer should have made of it.
 */
final class GuardedCache {
    /** How the layers share the memory. */
    enum Placing {
        /** Each layer is a segment of its own. */
        SEGMENT_PER_LAYER,
        /** All layers are one segment, with gaps. */
        ONE_SLAB,
        /** K and V of each layer are two segments with a gap after each block. */
        SEPARATE_K_AND_V,
        /** A page holds one block of all layers. */
        PAGES
    }

    static final int GUARD_BYTES = 512;
    private static final int GAP_BYTES = 48;

    private final KvLayout layout;
    private final int blocks;
    private final MemorySegment memory;
    private final List<LayerPlacement> placement;

    GuardedCache(Arena arena, KvLayout layout, int blocks, Placing placing) {
        this.layout = layout;
        this.blocks = blocks;
        long layerBytes = (layout.blockBytes() + 2L * GAP_BYTES) * blocks + GUARD_BYTES;
        memory = arena.allocate(GUARD_BYTES + layerBytes * layout.layers() + GUARD_BYTES, 64);
        placement = place(placing, layerBytes);
    }

    private List<LayerPlacement> place(Placing placing, long layerBytes) {
        var layers = new ArrayList<LayerPlacement>();
        long part = layout.partBytes();
        for (int i = 0; i < layout.layers(); i++) {
            long start = GUARD_BYTES + i * layerBytes;
            long pageBytes = layout.blockBytes() * layout.layers() + GAP_BYTES;
            long inPage = GUARD_BYTES + i * layout.blockBytes();
            long half = (part + GAP_BYTES) * blocks;
            layers.add(
                    switch (placing) {
                        case SEGMENT_PER_LAYER ->
                                LayerPlacement.dense(
                                        layout,
                                        memory.asSlice(start, layout.blockBytes() * blocks),
                                        blocks);
                        case ONE_SLAB -> moved(start);
                        case SEPARATE_K_AND_V ->
                                new LayerPlacement(
                                        memory.asSlice(start, half),
                                        0,
                                        memory.asSlice(start + half, half),
                                        0,
                                        part + GAP_BYTES);
                        case PAGES ->
                                new LayerPlacement(
                                        memory, inPage, memory, inPage + part, pageBytes);
                    });
        }
        return layers;
    }

    private LayerPlacement moved(long start) {
        var dense = LayerPlacement.dense(layout, memory, blocks);
        return new LayerPlacement(
                memory,
                start + dense.keyOffset(),
                memory,
                start + dense.valueOffset(),
                dense.blockStride());
    }

    KvLayout layout() {
        return layout;
    }

    int blocks() {
        return blocks;
    }

    List<LayerPlacement> placement() {
        return placement;
    }

    /** Fills everything, guards included, with random bytes. */
    void scribble(Random random) {
        var bytes = new byte[(int) memory.byteSize()];
        random.nextBytes(bytes);
        MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, bytes.length);
    }

    /** Fills the tokens of one block in all layers with one value. */
    void fill(int block, byte value) {
        forEachVector(block, at -> memory.asSlice(at, layout.vectorBytes()).fill(value));
    }

    private void forEachVector(int block, LongConsumer action) {
        for (int layer = 0; layer < layout.layers(); layer++) {
            for (int part = 0; part < layout.form().parts(); part++) {
                for (int token = 0; token < layout.tokensPerBlock(); token++) {
                    for (int head = 0; head < layout.heads(); head++) {
                        action.accept(address(layer, part, block, token, head));
                    }
                }
            }
        }
    }

    /** A copy of everything, guards included. */
    byte[] image() {
        return memory.toArray(ValueLayout.JAVA_BYTE);
    }

    /** Where a vector starts in {@link #image}; the head is counted among those of this rank. */
    private long address(int layer, int part, int block, int token, int head) {
        var place = placement.get(layer);
        boolean key = part == 0 || layout.form() == KvForm.LATENT;
        var segment = key ? place.key() : place.value();
        long offset = key ? place.keyOffset() : place.valueOffset();
        long inBlock =
                layout.order() == KvOrder.NHD
                        ? (long) token * layout.heads() + head
                        : (long) head * layout.tokensPerBlock() + token;
        return segment.address()
                - memory.address()
                + offset
                + block * place.blockStride()
                + inBlock * layout.vectorBytes();
    }

    /**
     * Writes into an image of this cache what a transfer from another one should: one layer, tokens
     * of a request, the heads that both ranks hold.
     */
    void receive(byte[] image, int[] ids, GuardedCache source, int[] sourceIds, Part what) {
        var theirs = source.layout;
        for (int head = what.firstHead; head < what.firstHead + what.heads; head++) {
            for (int part = 0; part < layout.form().parts(); part++) {
                for (int token = what.firstToken; token < what.firstToken + what.tokens; token++) {
                    long from =
                            source.address(
                                    what.layer,
                                    part,
                                    sourceIds[token / theirs.tokensPerBlock()],
                                    token % theirs.tokensPerBlock(),
                                    head - theirs.firstHead());
                    long to =
                            address(
                                    what.layer,
                                    part,
                                    ids[token / layout.tokensPerBlock()],
                                    token % layout.tokensPerBlock(),
                                    head - layout.firstHead());
                    MemorySegment.copy(
                            source.memory,
                            ValueLayout.JAVA_BYTE,
                            from,
                            image,
                            (int) to,
                            layout.vectorBytes());
                }
            }
        }
    }

    /** Some tokens and heads of one layer; heads are counted among those of the model. */
    record Part(int layer, int firstToken, int tokens, int firstHead, int heads) {}

    /** As {@link #receive} for all layers and all common heads. */
    void receiveAll(
            byte[] image, int[] ids, GuardedCache source, int[] sourceIds, int first, int tokens) {
        for (int layer = 0; layer < layout.layers(); layer++) {
            receive(image, ids, source, sourceIds, common(source, layer, first, tokens));
        }
    }

    Part common(GuardedCache source, int layer, int firstToken, int tokens) {
        var theirs = source.layout;
        int firstHead = Math.max(layout.firstHead(), theirs.firstHead());
        int end =
                Math.min(layout.firstHead() + layout.heads(), theirs.firstHead() + theirs.heads());
        return new Part(layer, firstToken, tokens, firstHead, Math.max(0, end - firstHead));
    }

    /** {@return whether tokens of one layer are, at this moment, those of the source} */
    boolean holds(int[] ids, GuardedCache source, int[] sourceIds, Part what) {
        var image = image();
        var wanted = image.clone();
        receive(wanted, ids, source, sourceIds, what);
        return Arrays.equals(image, wanted);
    }

    /** Fails unless the memory is byte for byte the image; says where the first difference lies. */
    void assertIs(byte[] image, String what) {
        long at = memory.mismatch(MemorySegment.ofArray(image));
        if (at >= 0) {
            throw new AssertionError(
                    what
                            + ": byte "
                            + at
                            + " of "
                            + image.length
                            + ", "
                            + describe(at)
                            + ", is "
                            + memory.get(ValueLayout.JAVA_BYTE, at)
                            + " and should be "
                            + image[(int) at]
                            + "; "
                            + layout.describe());
        }
    }

    private String describe(long at) {
        return IntStream.range(0, blocks)
                .filter(block -> contains(block, at))
                .mapToObj(block -> "in block " + block)
                .findFirst()
                .orElse("a guard byte");
    }

    private boolean contains(int block, long at) {
        var found = new boolean[1];
        forEachVector(block, start -> found[0] |= at >= start && at < start + layout.vectorBytes());
        return found[0];
    }
}
