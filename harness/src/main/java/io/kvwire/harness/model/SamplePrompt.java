package io.kvwire.harness.model;

import com.fasterxml.jackson.databind.json.JsonMapper;

import io.kvwire.harness.weights.ModelException;

import java.io.IOException;
import java.util.List;

/**
 * A prompt that ships with the trained model, in its manner and of a known length.
 *
 * @param id its number, from 0
 * @param source the chapter it was taken from
 * @param tokens its length in tokens of the trained model
 * @param text the prompt
 */
public record SamplePrompt(int id, String source, int tokens, String text) {

    /**
     * {@return all prompts, from short to long}
     *
     * @throws ModelException if they are not part of this build
     */
    public static List<SamplePrompt> all() {
        try (var in = SamplePrompt.class.getResourceAsStream("prompts.jsonl")) {
            if (in == null) {
                throw new ModelException(
                        "the sample prompts are not part of this build;"
                                + " give a prompt of your own");
            }
            return new JsonMapper()
                    .readerFor(SamplePrompt.class)
                    .<SamplePrompt>readValues(in)
                    .readAll();
        } catch (IOException e) {
            throw new ModelException("the sample prompts cannot be read: " + e, e);
        }
    }
}
