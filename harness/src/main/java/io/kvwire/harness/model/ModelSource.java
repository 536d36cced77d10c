package io.kvwire.harness.model;

import io.kvwire.harness.tokenizer.TextTokenizer;
import io.kvwire.harness.weights.ModelException;
import io.kvwire.harness.weights.Safetensors;
import io.kvwire.harness.weights.SeededWeights;
import io.kvwire.harness.weights.WeightFiles;
import io.kvwire.harness.weights.Weights;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * Where a model comes from. Loading reads all weights; what is missing or does not fit ends in a
 * {@link ModelException} whose message is one line for the user.
 */
public sealed interface ModelSource {

    /**
     * Reads what a user typed.
     *
     * @param text {@code trained}, a preset ({@code tiny}, {@code small}), or the path of a folder
     * @return the source; nothing has been opened yet
     * @throws ModelException if the text is none of these
     */
    static ModelSource parse(String text) {
        return switch (text) {
            case "trained" -> new Trained();
            case "tiny" -> new Preset("tiny", LlamaConfig.tiny(), 1);
            case "small" -> new Preset("small", LlamaConfig.small(), 1);
            default -> {
                try {
                    yield new Folder(Path.of(text));
                } catch (InvalidPathException e) {
                    throw new ModelException(
                            "'"
                                    + text
                                    + "' is no model; give trained, tiny, small"
                                    + " or a folder with config.json and model.safetensors",
                            e);
                }
            }
        };
    }

    /** {@return a name for people} */
    String describe();

    /**
     * Loads the model.
     *
     * @return the model, in memory
     * @throws ModelException if something is missing or broken
     */
    default LoadedModel load() {
        return load(UnaryOperator.identity());
    }

    /**
     * Loads the model with weights that differ from those of its file.
     *
     * @param change wraps the weights as they are read
     * @return the model, in memory
     * @throws ModelException if something is missing or broken
     */
    LoadedModel load(UnaryOperator<Weights> change);

    /**
     * The small model that ships with the program: it writes in the manner of the King James Bible.
     */
    record Trained() implements ModelSource {
        @Override
        public String describe() {
            return "trained";
        }

        @Override
        public LoadedModel load(UnaryOperator<Weights> change) {
            var config = ConfigJson.parse(resource("config.json"), "the config.json that ships");
            var where = "the model.safetensors that ships";
            try (var weights =
                    WeightFiles.of(
                            Safetensors.of(
                                    MemorySegment.ofArray(resource("model.safetensors")), where))) {
                var tokenizer = TextTokenizer.of(resource("tokenizer.json"), "the tokenizer.json");
                return new LoadedModel(
                        describe(),
                        config,
                        LlamaWeights.load(config, change.apply(weights)),
                        Optional.of(tokenizer));
            }
        }

        private static byte[] resource(String name) {
            try (var in = ModelSource.class.getResourceAsStream(name)) {
                if (in == null) {
                    throw new ModelException(
                            "the trained model is not part of this build: "
                                    + name
                                    + " is missing; use the model small or a folder");
                }
                return in.readAllBytes();
            } catch (IOException e) {
                throw new ModelException(name + " of the trained model cannot be read: " + e, e);
            }
        }
    }

    /**
     * Random weights of given sizes: no file needed, no text understood.
     *
     * @param name the preset's name
     * @param config its sizes
     * @param seed of the weights
     */
    record Preset(String name, LlamaConfig config, long seed) implements ModelSource {
        @Override
        public String describe() {
            return name;
        }

        @Override
        public LoadedModel load(UnaryOperator<Weights> change) {
            try (var weights = new SeededWeights(seed)) {
                return new LoadedModel(
                        name,
                        config,
                        LlamaWeights.load(config, change.apply(weights)),
                        Optional.empty());
            }
        }
    }

    /**
     * A folder as Hugging Face lays it out: {@code config.json}, {@code model.safetensors} (or
     * shards with an index), and {@code tokenizer.json} if there is one.
     *
     * @param path the folder
     */
    record Folder(Path path) implements ModelSource {
        @Override
        public String describe() {
            return path.toString();
        }

        @Override
        public LoadedModel load(UnaryOperator<Weights> change) {
            if (!Files.isDirectory(path)) {
                throw new ModelException(
                        path
                                + " is no folder; give trained, tiny, small or a"
                                + " folder with config.json and model.safetensors");
            }
            var config =
                    ConfigJson.parse(
                            read(path.resolve("config.json")),
                            path.resolve("config.json").toString());
            try (Weights weights = WeightFiles.open(path)) {
                var loaded = LlamaWeights.load(config, change.apply(weights));
                return new LoadedModel(describe(), config, loaded, tokenizer());
            }
        }

        private Optional<TextTokenizer> tokenizer() {
            var file = path.resolve("tokenizer.json");
            return Files.isRegularFile(file)
                    ? Optional.of(TextTokenizer.open(file))
                    : Optional.empty();
        }

        private static byte[] read(Path file) {
            try {
                return Files.readAllBytes(file);
            } catch (NoSuchFileException e) {
                throw new ModelException(
                        file
                                + " does not exist; give the folder of a model with"
                                + " config.json and model.safetensors",
                        e);
            } catch (IOException e) {
                throw new ModelException(file + " cannot be read: " + e, e);
            }
        }
    }
}
