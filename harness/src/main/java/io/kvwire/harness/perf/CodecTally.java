package io.kvwire.harness.perf;

import io.kvwire.transport.CodecDecision;
import io.kvwire.transport.Transfer;

import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * As what the transfers of a run were sent, told by what most of them were: single ones may have
 * been sent otherwise to see what that takes. Confined to one thread.
 */
final class CodecTally {
    private static final String UNKNOWN = "";

    /** The transfers of one codec. */
    private static final class Count {
        long transfers;
        Transfer last;
    }

    private final Map<String, Count> counts = new LinkedHashMap<>();
    private long all;

    /** Counts a transfer that is done. */
    void add(Transfer done) {
        var codec = done.codec().map(CodecDecision::codec).orElse(UNKNOWN);
        var count = counts.computeIfAbsent(codec, _ -> new Count());
        count.transfers++;
        count.last = done;
        all++;
    }

    private Count most() {
        return counts.values().stream()
                .max(Comparator.comparingLong(count -> count.transfers))
                .orElseThrow();
    }

    /** The last decision for what most were sent as; empty where the peer decides. */
    Optional<CodecDecision> decision() {
        return most().last.codec();
    }

    /** The share of the transfers that were sent so. */
    double share() {
        return (double) most().transfers / all;
    }

    /** Bytes before by bytes on the wire, of the last one that was sent so. */
    double ratio() {
        most().last.quiescence().join();
        var timing = most().last.timing();
        return (double) timing.bytes() / timing.wireBytes();
    }
}
