package io.kvwire.harness.bench;

import com.fasterxml.jackson.annotation.JsonInclude;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * A workload as its file says it: see benchmarks/workloads.
 *
 * @param name what it is called on the command line
 * @param what it does, for people
 * @param workingSetBytes memory at each end
 * @param quickWorkingSetBytes memory at each end of a quick run
 * @param shapes caches of models, by name
 * @param points what to measure
 */
record Workload(
        String name,
        String what,
        long workingSetBytes,
        long quickWorkingSetBytes,
        Map<String, Shape> shapes,
        List<Entry> points) {
    /** A token of a cache that only has blocks of so many bytes. */
    private static final int TOKEN_ELEMENTS = 128;

    private static final int TOKENS_PER_BLOCK = 16;
    private static final int USUAL_DEPTH = 2;

    Workload {
        shapes = shapes == null ? Map.of() : Map.copyOf(shapes);
        points = List.copyOf(points);
    }

    /**
     * @param layers of the model
     * @param kvHeads of one rank
     * @param headDim elements
     * @param latent whether a token has one latent instead of K and V
     */
    record Shape(int layers, int kvHeads, int headDim, boolean latent) {}

    /**
     * A point as the file says it: blocks of bytes, a model's request, or a message. What is left
     * away has its usual value.
     */
    @JsonInclude(JsonInclude.Include.NON_DEFAULT)
    record Entry(
            Point.Kind kind,
            int blockBytes,
            int blocks,
            boolean scattered,
            boolean hot,
            String shape,
            int tokens,
            int sourceTokensPerBlock,
            int targetTokensPerBlock,
            int messageBytes,
            int processes,
            boolean quick) {}

    static Workload read(Path file) throws IOException {
        return Json.FILES.readValue(file.toFile(), Workload.class);
    }

    List<Point> expand(boolean quick) {
        return points.stream()
                .filter(entry -> !quick || entry.quick())
                .map(entry -> expand(entry, quick ? quickWorkingSetBytes : workingSetBytes))
                .toList();
    }

    private Point expand(Entry entry, long memory) {
        if (entry.messageBytes() > 0) {
            return new Point(
                    name,
                    "message of " + Sizes.show(entry.messageBytes()),
                    Point.Kind.MESSAGE,
                    1,
                    1,
                    TOKEN_ELEMENTS,
                    true,
                    TOKENS_PER_BLOCK,
                    TOKENS_PER_BLOCK,
                    entry.messageBytes(),
                    1,
                    false,
                    1,
                    2);
        }
        return entry.shape() == null ? blocks(entry, memory) : model(entry, memory);
    }

    private Point blocks(Entry entry, long memory) {
        int tokenBytes = TOKEN_ELEMENTS * Point.ELEMENT_BYTES;
        if (entry.blockBytes() < tokenBytes || entry.blockBytes() % tokenBytes != 0) {
            throw new IllegalArgumentException(
                    "workload '%s': a block of %d bytes is no multiple of %d"
                            .formatted(name, entry.blockBytes(), tokenBytes));
        }
        int tokens = entry.blockBytes() / tokenBytes;
        long request = (long) entry.blockBytes() * entry.blocks();
        var kind = entry.kind() == null ? Point.Kind.BLOCKS : entry.kind();
        return new Point(
                name,
                blocksName(entry, kind, memory),
                kind,
                1,
                1,
                TOKEN_ELEMENTS,
                true,
                tokens,
                tokens,
                Math.multiplyExact(tokens, entry.blocks()),
                entry.hot() ? 1 : requests(memory, request),
                entry.scattered(),
                kind.timed() ? 1 : USUAL_DEPTH,
                entry.processes());
    }

    private static String blocksName(Entry entry, Point.Kind kind, long memory) {
        var block = Sizes.show(entry.blockBytes());
        var list =
                block
                        + " x "
                        + entry.blocks()
                        + (entry.scattered() ? " scattered" : "")
                        + (entry.hot() ? " hot" : "");
        return switch (kind) {
            case CHURN ->
                    "new peer, " + Sizes.show(memory) + " registered, first block of " + block;
            case TRANSFER -> "one block of " + block;
            case MANY_TO_ONE -> "%d to one, %s".formatted(entry.processes() - 1, list);
            case ONE_TO_MANY -> "one to %d, %s".formatted(entry.processes() - 1, list);
            case ALL_TO_ALL -> "all to all of %d, %s".formatted(entry.processes(), list);
            case BLOCKS, MESSAGE -> list;
        };
    }

    private Point model(Entry entry, long memory) {
        var shape = shapes.get(entry.shape());
        if (shape == null) {
            throw new IllegalArgumentException(
                    "workload '%s' has no shape '%s'; it has %s"
                            .formatted(name, entry.shape(), shapes.keySet()));
        }
        int source = usual(entry.sourceTokensPerBlock());
        int target = usual(entry.targetTokensPerBlock());
        long request =
                (long) shape.layers()
                        * shape.kvHeads()
                        * shape.headDim()
                        * Point.ELEMENT_BYTES
                        * (shape.latent() ? 1 : 2)
                        * entry.tokens();
        return new Point(
                name,
                "%s, %d tokens, blocks %s"
                        .formatted(
                                entry.shape(),
                                entry.tokens(),
                                source == target ? "" + source : source + " to " + target),
                Point.Kind.BLOCKS,
                shape.layers(),
                shape.kvHeads(),
                shape.headDim(),
                shape.latent(),
                source,
                target,
                entry.tokens(),
                requests(memory, request),
                true,
                USUAL_DEPTH,
                2);
    }

    private static int usual(int tokensPerBlock) {
        return tokensPerBlock == 0 ? TOKENS_PER_BLOCK : tokensPerBlock;
    }

    private static int requests(long memory, long request) {
        return Math.clamp(memory / request, 1, 1 << 20);
    }
}
