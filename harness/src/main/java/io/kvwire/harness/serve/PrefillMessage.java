package io.kvwire.harness.serve;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;

import java.util.List;

/** What two workers tell each other in notifications; the cache travels otherwise. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
    @JsonSubTypes.Type(value = PrefillMessage.Ask.class, name = "ask"),
    @JsonSubTypes.Type(value = PrefillMessage.First.class, name = "first"),
    @JsonSubTypes.Type(value = PrefillMessage.Refused.class, name = "refused")
})
sealed interface PrefillMessage {
    /** The request. */
    long id();

    /**
     * Decode asks for a prompt's cache.
     *
     * @param id of the request
     * @param prompt token ids
     * @param firstToken those before it are in the asker's cache already
     * @param table decode's blocks, in base64
     */
    record Ask(long id, List<Integer> prompt, int firstToken, String table)
            implements PrefillMessage {
        public Ask {
            prompt = List.copyOf(prompt);
        }
    }

    /**
     * The prompt is computed; its cache may still be on its way.
     *
     * @param id of the request
     * @param token the first one
     */
    record First(long id, int token) implements PrefillMessage {}

    /**
     * It will not come.
     *
     * @param id of the request
     * @param why in one line
     */
    record Refused(long id, String why) implements PrefillMessage {}
}
