package io.kvwire.tck;

import io.kvwire.transport.Access;
import io.kvwire.transport.KvCache;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvOrder;
import io.kvwire.transport.KvView;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.TransferNode;
import io.kvwire.transport.spi.DeviceMemory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
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

    private final Optional<DeviceMemory> device;
    private final KvLayout layout;
    private final int blocks;
    private final MemorySegment memory;
    private final List<LayerPlacement> placement;

    GuardedCache(Arena arena, KvLayout layout, int blocks, Placing placing) {
        this(arena, layout, blocks, placing, Optional.empty());
    }

    /** In memory of a device, if it is said to be, that this class alone may touch all the same. */
    GuardedCache(
            Arena arena,
            KvLayout layout,
            int blocks,
            Placing placing,
            Optional<DeviceMemory> device) {
        this.device = device;
        this.layout = layout;
        this.blocks = blocks;
        long layerBytes = 2 * (layout.partBytes() + GAP_BYTES) * blocks + GUARD_BYTES;
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

    KvCache register(TransferNode node, String name, Access access) {
        return device.isPresent()
                ? node.register(name, layout, placement, blocks, access, device.get())
                : node.register(name, layout, placement, blocks, access);
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

    /** Fills the tokens of one block in all layers with random bytes. */
    void scribble(int block, Random random) {
        var vector = new byte[layout.vectorBytes()];
        forEachVector(
                block,
                at -> {
                    random.nextBytes(vector);
                    MemorySegment.copy(vector, 0, memory, ValueLayout.JAVA_BYTE, at, vector.length);
                });
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
        forEachPair(
                ids,
                source,
                sourceIds,
                what,
                (from, to) ->
                        MemorySegment.copy(
                                source.memory,
                                ValueLayout.JAVA_BYTE,
                                from,
                                image,
                                (int) to,
                                layout.vectorBytes()));
    }

    /** Where one vector lies in the source and in this cache. */
    private interface VectorPair {
        void accept(long from, long to);
    }

    private void forEachPair(
            int[] ids, GuardedCache source, int[] sourceIds, Part what, VectorPair action) {
        var theirs = source.layout;
        for (int head = what.firstHead; head < what.firstHead + what.heads; head++) {
            for (int part = 0; part < layout.form().parts(); part++) {
                for (int token = what.firstToken; token < what.firstToken + what.tokens; token++) {
                    action.accept(
                            source.address(
                                    what.layer,
                                    part,
                                    sourceIds[token / theirs.tokensPerBlock()],
                                    token % theirs.tokensPerBlock(),
                                    head - theirs.firstHead()),
                            address(
                                    what.layer,
                                    part,
                                    ids[token / layout.tokensPerBlock()],
                                    token % layout.tokensPerBlock(),
                                    head - layout.firstHead()));
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

    /** Fails unless tokens of one layer are those of the source; touches no other bytes. */
    void assertEqual(int[] ids, GuardedCache source, int[] sourceIds, Part what) {
        forEachPair(
                ids,
                source,
                sourceIds,
                what,
                (from, to) -> {
                    long end = layout.vectorBytes();
                    if (MemorySegment.mismatch(
                                    memory, to, to + end, source.memory, from, from + end)
                            >= 0) {
                        throw new AssertionError(
                                what
                                        + " in "
                                        + layout.describe()
                                        + " of a transfer that is DONE differs "
                                        + describe(to));
                    }
                });
    }

    /** Fails unless a view of this cache shows each vector of its blocks. */
    void assertShownBy(KvView view) {
        for (int layer = 0; layer < layout.layers(); layer++) {
            for (int position = 0; position < view.blocks().size(); position++) {
                for (int part = 0; part < layout.form().parts(); part++) {
                    var shown = part == 0 ? view.key(layer, position) : view.value(layer, position);
                    assertShown(shown, layer, part, view.blocks().id(position));
                }
            }
        }
    }

    private void assertShown(MemorySegment shown, int layer, int part, int block) {
        long first = address(layer, part, block, 0, 0);
        if (shown.byteSize() != layout.partBytes()
                || MemorySegment.mismatch(
                                memory, first, first + shown.byteSize(), shown, 0, shown.byteSize())
                        >= 0) {
            throw new AssertionError(
                    "part "
                            + part
                            + " of layer "
                            + layer
                            + " of block "
                            + block
                            + " is not what the view shows; "
                            + layout.describe());
        }
    }

    /** Fails unless each byte of a block in all layers is a value. */
    void assertFilled(int block, byte value) {
        forEachVector(
                block,
                at -> {
                    for (long i = at; i < at + layout.vectorBytes(); i++) {
                        if (memory.get(ValueLayout.JAVA_BYTE, i) != value) {
                            throw new AssertionError(
                                    "block " + block + " was written to while it was its owner's");
                        }
                    }
                });
    }

    /** The bytes that belong to no block, and zeros for those that do. */
    byte[] guards() {
        var image = image();
        for (int block = 0; block < blocks; block++) {
            forEachVector(
                    block,
                    at -> Arrays.fill(image, (int) at, (int) at + layout.vectorBytes(), (byte) 0));
        }
        return image;
    }

    void assertGuards(byte[] earlier) {
        int at = Arrays.mismatch(earlier, guards());
        if (at >= 0) {
            throw new AssertionError("guard byte " + at + " was written to; " + layout.describe());
        }
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
