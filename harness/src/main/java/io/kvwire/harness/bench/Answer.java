package io.kvwire.harness.bench;

import com.fasterxml.jackson.annotation.JsonInclude;

/**
 * A line of an adapter: exactly one of these is set.
 *
 * @param version its first line: what it found
 * @param missing its first line: why it cannot run here
 * @param figures of a point
 * @param unsupported why it has no such operation
 * @param error why a point failed
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Answer(
        String version, String missing, Figures figures, String unsupported, String error) {
    /**
     * {@return the first line of an adapter that is ready}
     *
     * @param text name and version
     */
    public static Answer version(String text) {
        return new Answer(text, null, null, null, null);
    }

    /**
     * {@return an answer with figures}
     *
     * @param figures of the point
     */
    public static Answer of(Figures figures) {
        return new Answer(null, null, figures, null, null);
    }

    /**
     * {@return an answer that there is no such operation}
     *
     * @param why one line
     */
    public static Answer unsupported(String why) {
        return new Answer(null, null, null, why, null);
    }

    /**
     * {@return an answer that a point failed}
     *
     * @param why one line
     */
    public static Answer error(String why) {
        return new Answer(null, null, null, null, why);
    }
}
