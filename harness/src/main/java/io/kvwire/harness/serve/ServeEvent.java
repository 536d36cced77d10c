package io.kvwire.harness.serve;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;

/** What a worker tells the router. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
    @JsonSubTypes.Type(value = ServeEvent.Ready.class, name = "ready"),
    @JsonSubTypes.Type(value = ServeEvent.Token.class, name = "token"),
    @JsonSubTypes.Type(value = ServeEvent.Done.class, name = "done"),
    @JsonSubTypes.Type(value = ServeEvent.Failed.class, name = "failed"),
    @JsonSubTypes.Type(value = ServeEvent.State.class, name = "state")
})
sealed interface ServeEvent {
    /**
     * It can be given work.
     *
     * @param address where its node listens
     */
    record Ready(String address) implements ServeEvent {}

    /**
     * A token was made.
     *
     * @param id of the request
     * @param token its id
     */
    record Token(long id, int token) implements ServeEvent {}

    /**
     * A request has all its tokens.
     *
     * @param id of the request
     * @param reusedTokens of its prompt that were in the cache already
     */
    record Done(long id, int reusedTokens) implements ServeEvent {}

    /**
     * A request ended without.
     *
     * @param id of the request
     * @param why in one line
     */
    record Failed(long id, String why) implements ServeEvent {}

    /**
     * How it is, several times a second.
     *
     * @param queued requests and prompts that wait
     * @param active sequences that decode
     * @param usedBlocks of its cache, those of requests that run
     * @param blocks of its cache
     * @param leases prefixes in its cache that are being read
     */
    record State(int queued, int active, int usedBlocks, int blocks, int leases)
            implements ServeEvent {}
}
