package io.kvwire.harness.tokenizer;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;

import io.kvwire.harness.weights.ModelException;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;

/**
 * The tokenizer of a model, from Hugging Face's {@code tokenizer.json}: a wrapper of their own
 * library, which arrives as native code inside a jar of DJL and is unpacked into a cache folder at
 * first use ({@code ~/.djl.ai}, or what {@code DJL_CACHE_DIR} names).
 *
 * <p>Left alone, DJL asks the network for native code and reports its use to its makers. Both are
 * switched off here, for good, before any of its classes is loaded: a tokenizer never opens a
 * connection.
 *
 * <p><b>Threading:</b> safe to share until closed.
 *
 * <p><b>Errors:</b> {@link ModelException}.
 */
public final class TextTokenizer implements AutoCloseable {
    static {
        System.setProperty("ai.djl.offline", "true");
        System.setProperty("OPT_OUT_TRACKING", "true");
        if (System.getProperty("RUST_FLAVOR") == null) {
            System.setProperty("RUST_FLAVOR", "cpu");
        }
    }

    private final HuggingFaceTokenizer tokenizer;

    private TextTokenizer(HuggingFaceTokenizer tokenizer) {
        this.tokenizer = tokenizer;
    }

    /**
     * Opens a tokenizer file.
     *
     * @param file a {@code tokenizer.json}
     * @return the tokenizer
     * @throws ModelException if the file cannot be read or is no tokenizer
     */
    public static TextTokenizer open(Path file) {
        try {
            return of(Files.readAllBytes(file), file.toString());
        } catch (IOException e) {
            throw new ModelException(
                    file + " cannot be read (" + e + "); give the tokenizer.json of the model", e);
        }
    }

    /**
     * Makes a tokenizer from the bytes of a {@code tokenizer.json}.
     *
     * @param json the file's content
     * @param where its name, for messages
     * @return the tokenizer
     * @throws ModelException if it is no tokenizer, or the native library cannot be loaded
     */
    public static TextTokenizer of(byte[] json, String where) {
        // Prompts are never cut or filled up, whatever the file says; lengths are checked later.
        var options = Map.of("truncation", "false", "padding", "false");
        try {
            return new TextTokenizer(
                    HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(json), options));
        } catch (IOException | RuntimeException e) {
            throw new ModelException(
                    where
                            + " is no tokenizer that can be used: "
                            + String.valueOf(e.getMessage()).lines().findFirst().orElse("")
                            + "; give a tokenizer.json of Hugging Face",
                    e);
        } catch (LinkageError e) {
            throw new ModelException(
                    "the native library of the tokenizer cannot be loaded ("
                            + e.getMessage()
                            + "); check that its cache folder, ~/.djl.ai or"
                            + " DJL_CACHE_DIR, can be written and run from",
                    e);
        }
    }

    /**
     * {@return the token ids of a text, with those that the model wants at its beginning}
     *
     * @param text any text
     */
    public int[] encode(String text) {
        return Arrays.stream(tokenizer.encode(text).getIds()).mapToInt(Math::toIntExact).toArray();
    }

    /**
     * {@return the text of some tokens, without special ones; a character that is cut off at an end
     * becomes U+FFFD}
     *
     * @param tokens token ids
     */
    public String decode(int... tokens) {
        return tokenizer.decode(Arrays.stream(tokens).asLongStream().toArray(), true);
    }

    /** {@return a text that grows with each token, for printing while tokens arrive} */
    public TokenText text() {
        return new TokenText(this);
    }

    /** Frees the native tokenizer. */
    @Override
    public void close() {
        tokenizer.close();
    }
}
