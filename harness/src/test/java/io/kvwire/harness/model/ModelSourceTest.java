package io.kvwire.harness.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.harness.math.ElementType;
import io.kvwire.harness.weights.ModelException;
import io.kvwire.transport.KvOrder;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.IntStream;

/** Models are found by name or folder, and what is missing is said in one line. */
class ModelSourceTest {

    @Test
    void namesAndFoldersAreToldApart() {
        assertInstanceOf(ModelSource.Trained.class, ModelSource.parse("trained"));
        assertInstanceOf(ModelSource.Preset.class, ModelSource.parse("tiny"));
        assertInstanceOf(ModelSource.Preset.class, ModelSource.parse("small"));
        assertEquals(
                new ModelSource.Folder(Path.of("some/folder")), ModelSource.parse("some/folder"));
        assertThrows(ModelException.class, () -> ModelSource.parse("a\0b"));
    }

    @Test
    void aPresetLoadsWithoutAFileAndGivesTheSameLogitsEachTime() {
        var first = logits(ModelSource.parse("tiny").load());
        var second = logits(ModelSource.parse("tiny").load());
        assertArrayEquals(first, second);
        assertTrue(ModelSource.parse("tiny").load().tokenizer().isEmpty());
    }

    @Test
    void theSmallPresetHasTheSizeItPromises() {
        var config = LlamaConfig.small();
        assertEquals(27_271_680, config.parameters());
        // A prompt of 1,024 tokens makes 8 MiB of keys and values in BF16.
        assertEquals(8 << 20, 1_024 * config.kvGeometry(1, 16, ElementType.BF16).bytesPerToken());
    }

    @Test
    void syntheticPromptsAreTheSameEverywhere() {
        var model = ModelSource.parse("tiny").load();
        assertArrayEquals(new int[] {187, 25, 104, 104}, model.syntheticPrompt(4, 1));
    }

    @Test
    void aFolderInTheMannerOfHuggingFaceLoads(@TempDir Path folder) throws IOException {
        for (var name : new String[] {"config.json", "model.safetensors"}) {
            Files.write(folder.resolve(name), Reference.bytes("gqa/" + name));
        }
        var reference = new Reference("gqa");
        var model = ModelSource.parse(folder.toString()).load();
        assertEquals(reference.config, model.config());
        assertEquals(folder.toString(), model.name());
        assertArrayEquals(
                logits(
                        new LoadedModel(
                                "reference",
                                reference.config,
                                reference.weights,
                                model.tokenizer())),
                logits(model));
    }

    @Test
    void whatIsMissingIsNamed(@TempDir Path folder) throws IOException {
        refused("is no folder", folder.resolve("none"));
        refused("config.json does not exist", folder);
        Files.write(folder.resolve("config.json"), Reference.bytes("gqa/config.json"));
        refused("holds neither model.safetensors nor model.safetensors.index.json", folder);
        Files.write(
                folder.resolve("model.safetensors"),
                Reference.bytes("odd-sizes/model.safetensors"));
        refused("but config.json asks for [128, 64]", folder);
        Files.write(folder.resolve("model.safetensors"), Reference.bytes("gqa/model.safetensors"));
        Files.writeString(folder.resolve("tokenizer.json"), "nonsense");
        refused("tokenizer.json is no tokenizer", folder);
    }

    private static void refused(String reason, Path folder) {
        var source = ModelSource.parse(folder.toString());
        var thrown = assertThrows(ModelException.class, source::load);
        assertTrue(thrown.getMessage().contains(reason), thrown.getMessage());
        assertEquals(1, thrown.getMessage().lines().count(), thrown.getMessage());
    }

    private static float[] logits(LoadedModel model) {
        try (var arena = Arena.ofShared();
                var llama = model.llama(LlamaOptions.defaults().withThreads(1))) {
            var cache =
                    PagedKv.allocate(
                            arena,
                            model.config().kvGeometry(2, 16, ElementType.BF16),
                            KvOrder.NHD,
                            KvPacking.SPLIT);
            int[] tokens = IntStream.range(0, 20).toArray();
            return llama.prefill(tokens, 0, new int[] {1, 0}, cache, LayerListener.NONE);
        }
    }
}
