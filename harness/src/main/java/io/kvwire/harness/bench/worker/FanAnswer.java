package io.kvwire.harness.bench.worker;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;

import java.util.List;
import java.util.Map;

/** What one of many ends answers, one JSON line each. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
    @JsonSubTypes.Type(value = FanAnswer.Ready.class, name = "ready"),
    @JsonSubTypes.Type(value = FanAnswer.Done.class, name = "done"),
    @JsonSubTypes.Type(value = FanAnswer.Ran.class, name = "ran"),
    @JsonSubTypes.Type(value = FanAnswer.Compiled.class, name = "compiled"),
    @JsonSubTypes.Type(value = FanAnswer.Used.class, name = "used"),
    @JsonSubTypes.Type(value = FanAnswer.Failed.class, name = "failed")
})
sealed interface FanAnswer {
    /**
     * Memory is registered.
     *
     * @param address where the end listens
     * @param tables of its caches, in base64, by the end that will WRITE there
     */
    record Ready(String address, Map<Integer, String> tables) implements FanAnswer {
        public Ready {
            tables = Map.copyOf(tables);
        }
    }

    /** What had to be done is done. */
    record Done() implements FanAnswer {}

    /**
     * How long its compiler has worked.
     *
     * @param millis so long
     */
    record Compiled(long millis) implements FanAnswer {}

    /**
     * All WRITEs have an outcome.
     *
     * @param requests to each target, in the order in which they were named
     * @param nanos that it took
     * @param times of all requests: a histogram of nanoseconds, in base64
     */
    record Ran(List<Long> requests, long nanos, String times) implements FanAnswer {
        public Ran {
            requests = List.copyOf(requests);
        }
    }

    /**
     * What it has cost since the mark.
     *
     * @param cpuNanos CPU time
     * @param peakBytes most resident memory
     * @param verified whether every byte that was received was right
     */
    record Used(long cpuNanos, long peakBytes, boolean verified) implements FanAnswer {}

    /**
     * It could not be done.
     *
     * @param why in one line
     */
    record Failed(String why) implements FanAnswer {}
}
