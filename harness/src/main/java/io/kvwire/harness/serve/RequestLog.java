package io.kvwire.harness.serve;

import java.util.ArrayList;
import java.util.List;

/** The times of one request, as its client saw them. Thread-safe. */
final class RequestLog {
    private final long id;
    private final List<Integer> prompt;
    private final RoutingPolicy.Choice choice;
    private final long sentAt;
    private final List<Long> tokens = new ArrayList<>();
    private boolean ended;
    private String failure = "";
    private int reused;

    RequestLog(long id, List<Integer> prompt, RoutingPolicy.Choice choice, long sentAt) {
        this.id = id;
        this.prompt = List.copyOf(prompt);
        this.choice = choice;
        this.sentAt = sentAt;
    }

    long id() {
        return id;
    }

    List<Integer> prompt() {
        return prompt;
    }

    int promptTokens() {
        return prompt.size();
    }

    RoutingPolicy.Choice choice() {
        return choice;
    }

    boolean split() {
        return choice.prefiller().isPresent();
    }

    /** {@return nanoseconds since the last token, or since it was sent} */
    synchronized long token(long now) {
        long before = tokens.isEmpty() ? sentAt : tokens.getLast();
        tokens.add(now);
        return now - before;
    }

    synchronized boolean hasTokens() {
        return !tokens.isEmpty();
    }

    synchronized void done(int reusedTokens) {
        ended = true;
        reused = reusedTokens;
    }

    synchronized void failed(String why) {
        ended = true;
        failure = why;
    }

    synchronized boolean ended() {
        return ended;
    }

    synchronized String failure() {
        return failure;
    }

    synchronized int reused() {
        return reused;
    }

    synchronized double ttftMillis() {
        return (tokens.getFirst() - sentAt) / 1e6;
    }

    /** {@return the times between tokens, in milliseconds} */
    synchronized List<Double> gapsMillis() {
        var gaps = new ArrayList<Double>();
        for (int i = 1; i < tokens.size(); i++) {
            gaps.add((tokens.get(i) - tokens.get(i - 1)) / 1e6);
        }
        return gaps;
    }

    /** {@return when each of those gaps ended, in seconds after a start} */
    synchronized List<Double> gapEnds(long start) {
        return tokens.stream().skip(1).map(t -> (t - start) / 1e9).toList();
    }
}
