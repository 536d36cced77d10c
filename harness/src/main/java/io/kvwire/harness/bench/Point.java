package io.kvwire.harness.bench;

import com.fasterxml.jackson.annotation.JsonProperty;

import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * One thing to measure: requests of so many tokens in a cache of a given shape. What knows no
 * caches, as most peers do, sees {@link #pieces()} pieces of {@link #pieceBytes()} bytes.
 *
 * @param workload the workload that it belongs to
 * @param id its name, unique in the workload
 * @param kind what is done
 * @param layers of the cache
 * @param kvHeads KV heads of one rank
 * @param headDim elements of one head
 * @param latent whether a token has one latent instead of K and V
 * @param sourceTokensPerBlock tokens in a block at the source
 * @param targetTokensPerBlock tokens in a block at the target
 * @param tokens of one request; for a message, its bytes
 * @param requests different requests that the memory of each end holds
 * @param scattered whether the blocks of a request lie in random places
 * @param depth requests on their way at one time, from one end to another
 * @param processes ends; 2 except for a fan
 */
public record Point(
        String workload,
        String id,
        Kind kind,
        int layers,
        int kvHeads,
        int headDim,
        boolean latent,
        int sourceTokensPerBlock,
        int targetTokensPerBlock,
        int tokens,
        int requests,
        boolean scattered,
        int depth,
        int processes) {
    /** All elements are BF16. */
    public static final int ELEMENT_BYTES = 2;

    /** What is done at a point. */
    public enum Kind {
        /** WRITE requests one after the other; throughput. */
        BLOCKS,
        /** WRITE one request and wait for it; time. */
        TRANSFER,
        /** Send a small message there and back; time. */
        MESSAGE,
        /** Start, register, connect, WRITE one block; time. */
        CHURN,
        /** All ends but one WRITE to that one; throughput of all. */
        MANY_TO_ONE,
        /** One end WRITEs to all others; throughput of all. */
        ONE_TO_MANY,
        /** Every end WRITEs to every other; throughput of all. */
        ALL_TO_ALL;

        /** {@return whether a point of this kind is judged by its time, not by its throughput} */
        public boolean timed() {
            return this == TRANSFER || this == MESSAGE || this == CHURN;
        }

        /**
         * {@return whether what has warmed up for these kinds is warm for this one: who writes to
         * all, and is written to by all, knows every fan}
         *
         * @param warm kinds
         */
        public boolean coveredBy(Set<Kind> warm) {
            return warm.contains(this) || (fan() && warm.contains(ALL_TO_ALL));
        }

        /** {@return whether there are more than two ends} */
        public boolean fan() {
            return this == MANY_TO_ONE || this == ONE_TO_MANY || this == ALL_TO_ALL;
        }
    }

    /**
     * Who WRITEs to whom.
     *
     * @param from number of an end, from 0
     * @param to number of another
     */
    public record Flow(int from, int to) {}

    /** Checks the numbers. */
    public Point {
        Objects.requireNonNull(kind, "kind");
        positive("layers", layers);
        positive("kvHeads", kvHeads);
        positive("headDim", headDim);
        positive("sourceTokensPerBlock", sourceTokensPerBlock);
        positive("targetTokensPerBlock", targetTokensPerBlock);
        positive("tokens", tokens);
        positive("requests", requests);
        positive("depth", depth);
        processes = processes == 0 ? 2 : processes; // Reports from before there were fans.
        if (processes < 2 || (processes > 2 && !kind.fan())) {
            throw new IllegalArgumentException(
                    "point '%s': %d processes; a fan has two or more, all others two"
                            .formatted(id, processes));
        }
        int larger = Math.max(sourceTokensPerBlock, targetTokensPerBlock);
        if (larger % Math.min(sourceTokensPerBlock, targetTokensPerBlock) != 0) {
            throw new IllegalArgumentException(
                    "point '%s': blocks of %d and of %d tokens share no common piece"
                            .formatted(id, sourceTokensPerBlock, targetTokensPerBlock));
        }
        if (kind != Kind.MESSAGE && tokens % larger != 0) {
            throw new IllegalArgumentException(
                    "point '%s': %d tokens are no whole blocks of %d"
                            .formatted(id, tokens, larger));
        }
    }

    private static void positive(String what, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(what + " is " + value + ": need at least 1");
        }
    }

    /** {@return bytes of one token in one layer's K, V or latent} */
    public long rowBytes() {
        return (long) kvHeads * headDim * ELEMENT_BYTES;
    }

    /** {@return how many of K and V there are: 2, or 1 for a latent} */
    public int parts() {
        return latent ? 1 : 2;
    }

    /** {@return bytes that lie together at both ends; for a message, its bytes} */
    @JsonProperty
    public long pieceBytes() {
        return kind == Kind.MESSAGE
                ? tokens
                : rowBytes() * Math.min(sourceTokensPerBlock, targetTokensPerBlock);
    }

    /** {@return pieces of one request} */
    @JsonProperty
    public long pieces() {
        return kind == Kind.MESSAGE ? 1 : requestBytes() / pieceBytes();
    }

    /** {@return bytes of one request; for a message, its bytes} */
    @JsonProperty
    public long requestBytes() {
        return kind == Kind.MESSAGE ? tokens : rowBytes() * tokens * parts() * layers;
    }

    /** {@return bytes at each end} */
    @JsonProperty
    public long workingSetBytes() {
        return requestBytes() * requests;
    }

    /** {@return who WRITEs to whom; of two ends, the first to the second} */
    public List<Flow> flows() {
        return IntStream.range(0, processes)
                .boxed()
                .flatMap(from -> IntStream.range(0, processes).mapToObj(to -> new Flow(from, to)))
                .filter(flow -> flow.from() != flow.to())
                .filter(flow ->
                        kind == Kind.ALL_TO_ALL
                                || (kind == Kind.MANY_TO_ONE ? flow.to() == 0 : flow.from() == 0))
                .toList();
    }

    /** {@return bytes that all ends together need} */
    long memoryBytes() {
        return 2 * workingSetBytes() * flows().size();
    }

    /** {@return its name with that of its workload} */
    public String key() {
        return workload + "/" + id;
    }
}
