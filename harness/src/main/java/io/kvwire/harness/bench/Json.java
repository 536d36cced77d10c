package io.kvwire.harness.bench;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;

/** How this package and its adapters read and write JSON. Thread-safe. */
public final class Json {
    /** For lines between processes. */
    public static final JsonMapper LINES =
            JsonMapper.builder().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES).build();

    /** For files. */
    static final JsonMapper FILES =
            JsonMapper.builder()
                    .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                    .enable(SerializationFeature.INDENT_OUTPUT)
                    .build();

    private Json() {}

    /**
     * {@return a value as one line}
     *
     * @param value a record
     */
    public static String line(Object value) {
        try {
            return LINES.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(value + " has no JSON form", e);
        }
    }

    /**
     * Reads a line.
     *
     * @param line JSON
     * @param type a record
     * @param <T> the record
     * @return the value
     * @throws IllegalArgumentException when it is none
     */
    public static <T> T parse(String line, Class<T> type) {
        try {
            return LINES.readValue(line, type);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(
                    "no " + type.getSimpleName() + ": '" + line + "'", e);
        }
    }
}
