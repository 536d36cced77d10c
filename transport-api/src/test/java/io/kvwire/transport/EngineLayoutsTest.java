package io.kvwire.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * How the caches of engines are described, each checked against the index formula that the engine
 * itself uses. {@code docs/layouts.md} points here.
 */
class EngineLayoutsTest {
    private static final int LAYERS = 3;
    private static final int KV_HEADS = 2;
    private static final int HEAD_DIM = 4;

    /** The float that an engine keeps for an element: tells all four coordinates. */
    private static float content(int layer, int part, int token, int element) {
        return ((layer * 2 + part) * 100 + token) * 100 + element;
    }

    /** Where an engine keeps an element, by its own formula. */
    interface Engine {
        MemorySegment memory(int layer, int part, int token);

        long index(int layer, int part, int token, int element);
    }

    /**
     * Pages of {@code [layersPerPage, 2, contextPerPage, kvLength]} floats, as in Jlama, taken from
     * one pool for each group of layers: page {@code p} of a group holds all of the group's layers
     * for {@code contextPerPage} tokens, so a page is the block of all of them.
     */
    @Test
    void pagesThatInterleaveLayersAreBlocksWithALargeStride() {
        int layersPerPage = 2;
        int contextPerPage = 8;
        int kvLength = KV_HEADS * HEAD_DIM;
        int pages = 5;
        long pageFloats = (long) layersPerPage * 2 * contextPerPage * kvLength;
        var layout = floats().tokensPerBlock(contextPerPage).order(KvOrder.NHD).build();
        try (var arena = Arena.ofConfined()) {
            var groups = new ArrayList<MemorySegment>();
            for (int group = 0; group < Math.ceilDiv(LAYERS, layersPerPage); group++) {
                groups.add(arena.allocate(ValueLayout.JAVA_FLOAT, pages * pageFloats));
            }
            int[] table = {4, 0, 2};

            var placement = new ArrayList<LayerPlacement>();
            for (int layer = 0; layer < LAYERS; layer++) {
                var pool = groups.get(layer / layersPerPage);
                long keys = (long) layer % layersPerPage * 2 * contextPerPage * kvLength;
                long values = keys + (long) contextPerPage * kvLength;
                placement.add(new LayerPlacement(pool, 4 * keys, pool, 4 * values, 4 * pageFloats));
            }

            assertReads(
                    layout,
                    placement,
                    table,
                    pages,
                    new Engine() {
                        @Override
                        public MemorySegment memory(int layer, int part, int token) {
                            return groups.get(layer / layersPerPage);
                        }

                        @Override
                        public long index(int layer, int part, int token, int element) {
                            long page = table[token / contextPerPage];
                            long inPage =
                                    ((long) (layer % layersPerPage) * 2 + part) * contextPerPage
                                            + token % contextPerPage;
                            return page * pageFloats + inPage * kvLength + element;
                        }
                    });
        }
    }

    /**
     * One off-heap array of floats for all K and one for all V, indexed {@code layer *
     * contextLength * kvDim + position * kvDim}, as in GPULlama3.java: a request owns the whole
     * context, so any divisor of it serves as the size of a block, and the table is the identity.
     */
    @Test
    void flatArraysForKeysAndValuesAreBlocksInAnyNumber() {
        int contextLength = 48;
        int kvDim = KV_HEADS * HEAD_DIM;
        int tokensPerBlock = 16;
        int blocks = contextLength / tokensPerBlock;
        var layout = floats().tokensPerBlock(tokensPerBlock).order(KvOrder.NHD).build();
        try (var arena = Arena.ofConfined()) {
            long size = (long) LAYERS * contextLength * kvDim;
            var keyCache = arena.allocate(ValueLayout.JAVA_FLOAT, size);
            var valueCache = arena.allocate(ValueLayout.JAVA_FLOAT, size);

            var placement = new ArrayList<LayerPlacement>();
            for (int layer = 0; layer < LAYERS; layer++) {
                long start = 4L * layer * contextLength * kvDim;
                placement.add(
                        new LayerPlacement(keyCache, start, valueCache, start, layout.partBytes()));
            }

            var table = IntStream.range(0, blocks).toArray();
            assertReads(
                    layout,
                    placement,
                    table,
                    blocks,
                    new Engine() {
                        @Override
                        public MemorySegment memory(int layer, int part, int token) {
                            return part == 0 ? keyCache : valueCache;
                        }

                        @Override
                        public long index(int layer, int part, int token, int element) {
                            return (long) layer * contextLength * kvDim
                                    + (long) token * kvDim
                                    + element;
                        }
                    });
        }
    }

    /**
     * One tensor {@code [blocks, 2, kvHeads, tokensPerBlock, headDim]} for each layer, as with
     * vLLM's FlashInfer backend when it prefers HND.
     */
    @Test
    void headMajorBlocksWithKeysAndValuesSideBySideAreFused() {
        int tokensPerBlock = 16;
        int blocks = 4;
        var layout =
                floats().tokensPerBlock(tokensPerBlock)
                        .order(KvOrder.HND)
                        .form(KvForm.FUSED)
                        .build();
        try (var arena = Arena.ofConfined()) {
            var tensors = new ArrayList<MemorySegment>();
            var placement = new ArrayList<LayerPlacement>();
            for (int layer = 0; layer < LAYERS; layer++) {
                tensors.add(arena.allocate(layout.blockBytes() * blocks, 64));
                placement.add(LayerPlacement.dense(layout, tensors.get(layer), blocks));
            }
            int[] table = {3, 1, 2};

            assertReads(
                    layout,
                    placement,
                    table,
                    blocks,
                    new Engine() {
                        @Override
                        public MemorySegment memory(int layer, int part, int token) {
                            return tensors.get(layer);
                        }

                        @Override
                        public long index(int layer, int part, int token, int element) {
                            int head = element / HEAD_DIM;
                            int dim = element % HEAD_DIM;
                            long block = table[token / tokensPerBlock];
                            return (((block * 2 + part) * KV_HEADS + head) * tokensPerBlock
                                                    + token % tokensPerBlock)
                                            * HEAD_DIM
                                    + dim;
                        }
                    });
        }
    }

    /**
     * One pool {@code [blocks, layers, 2, kvHeads, tokensPerBlock, headDim]} for all layers, as in
     * TensorRT-LLM and in vLLM with cross-layer blocks: the stride of a layer's blocks is the size
     * of a block of all layers.
     */
    @Test
    void poolsThatHoldEveryLayerInABlockHaveAStrideOfAllLayers() {
        int tokensPerBlock = 8;
        int blocks = 4;
        var layout =
                floats().tokensPerBlock(tokensPerBlock)
                        .order(KvOrder.HND)
                        .form(KvForm.FUSED)
                        .build();
        try (var arena = Arena.ofConfined()) {
            var pool = arena.allocate(layout.blockBytes() * LAYERS * blocks, 64);
            var placement = new ArrayList<LayerPlacement>();
            for (int layer = 0; layer < LAYERS; layer++) {
                long keys = layer * layout.blockBytes();
                placement.add(
                        new LayerPlacement(
                                pool,
                                keys,
                                pool,
                                keys + layout.partBytes(),
                                LAYERS * layout.blockBytes()));
            }
            int[] table = {2, 0, 3};

            assertReads(
                    layout,
                    placement,
                    table,
                    blocks,
                    new Engine() {
                        @Override
                        public MemorySegment memory(int layer, int part, int token) {
                            return pool;
                        }

                        @Override
                        public long index(int layer, int part, int token, int element) {
                            int head = element / HEAD_DIM;
                            long block = table[token / tokensPerBlock];
                            long body = ((block * LAYERS + layer) * 2 + part) * KV_HEADS + head;
                            long vector = body * tokensPerBlock + token % tokensPerBlock;
                            return vector * HEAD_DIM + element % HEAD_DIM;
                        }
                    });
        }
    }

    /**
     * Two tensors {@code [size + pageSize, kvHeads, headDim]} for each layer, as in SGLang: page 0
     * is never handed out, and a page is a block.
     */
    @Test
    void rowsOfTokensInTensorsForEachLayerArePagedByTheirPageSize() {
        int pageSize = 4;
        int pages = 6;
        var layout = floats().tokensPerBlock(pageSize).order(KvOrder.NHD).build();
        try (var arena = Arena.ofConfined()) {
            var keys = new ArrayList<MemorySegment>();
            var values = new ArrayList<MemorySegment>();
            var placement = new ArrayList<LayerPlacement>();
            for (int layer = 0; layer < LAYERS; layer++) {
                keys.add(arena.allocate(layout.partBytes() * pages, 64));
                values.add(arena.allocate(layout.partBytes() * pages, 64));
                placement.add(
                        new LayerPlacement(
                                keys.get(layer), 0, values.get(layer), 0, layout.partBytes()));
            }
            int[] table = {3, 1, 5, 2, 4};

            assertReads(
                    layout,
                    placement,
                    table,
                    pages,
                    new Engine() {
                        @Override
                        public MemorySegment memory(int layer, int part, int token) {
                            return (part == 0 ? keys : values).get(layer);
                        }

                        @Override
                        public long index(int layer, int part, int token, int element) {
                            int row = table[token / pageSize] * pageSize + token % pageSize;
                            return (long) row * KV_HEADS * HEAD_DIM + element;
                        }
                    });
        }
    }

    /**
     * Fills the engine's memory by its own formula, walks it in the order of a token-major target
     * with other blocks, and compares what comes.
     */
    private static void assertReads(
            KvLayout layout,
            List<LayerPlacement> placement,
            int[] table,
            int blocks,
            Engine engine) {
        var tokens = new TokenRange(3, 17);
        int kvLength = KV_HEADS * HEAD_DIM;
        for (int layer = 0; layer < LAYERS; layer++) {
            for (int part = 0; part < 2; part++) {
                for (int token = 0; token < tokens.end(); token++) {
                    for (int element = 0; element < kvLength; element++) {
                        engine.memory(layer, part, token)
                                .setAtIndex(
                                        ValueLayout.JAVA_FLOAT,
                                        engine.index(layer, part, token, element),
                                        content(layer, part, token, element));
                    }
                }
            }
        }
        var target = floats().tokensPerBlock(64).build();
        var plan = LayoutPlan.between(layout, target);
        var runs = new BlockRuns();
        for (int layer = 0; layer < LAYERS; layer++) {
            var origin = BlockRuns.Origin.of(placement.get(layer), blocks);
            runs.start(plan, layout, table, origin, tokens);
            var read = new ArrayList<Float>();
            while (runs.next()) {
                for (long at = 0; at < runs.length(); at += Float.BYTES) {
                    read.add(runs.segment().get(ValueLayout.JAVA_FLOAT, runs.offset() + at));
                }
            }
            var expected = new ArrayList<Float>();
            for (int part = 0; part < 2; part++) {
                for (int token = tokens.first(); token < tokens.end(); token++) {
                    for (int element = 0; element < kvLength; element++) {
                        expected.add(content(layer, part, token, element));
                    }
                }
            }
            assertEquals(expected, read);
        }
    }

    private static KvLayout.Builder floats() {
        return KvLayout.builder()
                .layers(LAYERS)
                .kvHeads(KV_HEADS)
                .headDim(HEAD_DIM)
                .dtype(DType.FP32);
    }
}
