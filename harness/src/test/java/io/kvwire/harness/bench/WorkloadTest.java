package io.kvwire.harness.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;

class WorkloadTest {
    private static final Path FOLDER = Path.of("..", "benchmarks", "workloads");

    @ParameterizedTest
    @ValueSource(strings = {"kv-blocks", "models", "latency", "churn", "fan"})
    void aWorkloadThatShipsHasPointsOfDifferentNamesAndWholePieces(String name) throws IOException {
        var workload = Workload.read(FOLDER.resolve(name + ".json"));
        assertEquals(name, workload.name());
        var all = workload.expand(false);
        assertFalse(workload.expand(true).isEmpty(), "a quick run would leave it out");
        assertEquals(all.size(), new HashSet<>(all.stream().map(Point::id).toList()).size());
        for (var point : all) {
            assertEquals(point.requestBytes(), point.pieces() * point.pieceBytes(), point.id());
        }
    }

    @Test
    void theKvCacheOfAModelHasItsPublishedSize() throws IOException {
        var points = Workload.read(FOLDER.resolve("models.json")).expand(false);
        var llama = named(points, "Llama-3.1-8B, 2048 tokens, blocks 16");
        assertEquals(128 << 10, llama.requestBytes() / llama.tokens()); // 128 KiB for each token
        var latent = named(points, "DeepSeek-V3 MLA, 2048 tokens, blocks 16");
        assertEquals(61 * 576 * 2, latent.requestBytes() / latent.tokens());
    }

    @Test
    void unequalBlocksShareThePiecesOfTheSmaller() throws IOException {
        var points = Workload.read(FOLDER.resolve("models.json")).expand(false);
        var unequal = named(points, "Llama-3.1-8B, 2048 tokens, blocks 16 to 128");
        assertEquals(16 * 8 * 128 * 2, unequal.pieceBytes());
    }

    private static Point named(List<Point> points, String id) {
        return points.stream().filter(p -> p.id().equals(id)).findFirst().orElseThrow();
    }

    @Test
    void aShapeThatIsNotThereIsNamed() {
        var entry = new Workload.Entry(null, 0, 0, false, false, "GPT-0", 16, 0, 0, 0, 0, true);
        var workload = new Workload("mine", "", 1 << 20, 1 << 20, Map.of(), List.of(entry));
        var error = assertThrows(IllegalArgumentException.class, () -> workload.expand(false));
        assertTrue(error.getMessage().contains("GPT-0"), error.getMessage());
    }

    @Test
    void aPointThatIsNoWholeBlocksIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> Samples.blocks(16, 128, 100));
        assertThrows(IllegalArgumentException.class, () -> Samples.blocks(16, 24, 48));
    }
}
