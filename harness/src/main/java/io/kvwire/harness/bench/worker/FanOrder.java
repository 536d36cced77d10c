package io.kvwire.harness.bench.worker;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;

import io.kvwire.harness.bench.Point;

import java.util.List;
import java.util.Map;

/** What the adapter tells one of many ends, one JSON line each; ends are numbered from 0. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
    @JsonSubTypes.Type(value = FanOrder.SetUp.class, name = "set-up"),
    @JsonSubTypes.Type(value = FanOrder.Connect.class, name = "connect"),
    @JsonSubTypes.Type(value = FanOrder.Mark.class, name = "mark"),
    @JsonSubTypes.Type(value = FanOrder.Compiled.class, name = "compiled"),
    @JsonSubTypes.Type(value = FanOrder.Run.class, name = "run"),
    @JsonSubTypes.Type(value = FanOrder.Result.class, name = "result")
})
sealed interface FanOrder {
    /**
     * Allocate and register memory, and give back that of the last point.
     *
     * @param serial of this order, part of the names of caches
     * @param point what will be measured
     * @param sends whether this end will WRITE
     * @param from the ends that will WRITE to this one
     */
    record SetUp(int serial, Point point, boolean sends, List<Integer> from) implements FanOrder {
        public SetUp {
            from = List.copyOf(from);
        }
    }

    /**
     * Connect to those that this end will WRITE to.
     *
     * @param targets them
     */
    record Connect(List<Target> targets) implements FanOrder {
        public Connect {
            targets = List.copyOf(targets);
        }
    }

    /**
     * An end to WRITE to.
     *
     * @param number of the end
     * @param address where it listens
     * @param cache the name of what it has registered for this one
     * @param table the blocks of that, in base64
     */
    record Target(int number, String address, String cache, String table) {}

    /** Overwrite what was received, and count from now. */
    record Mark() implements FanOrder {}

    /** Say how long the compiler has worked. */
    record Compiled() implements FanOrder {}

    /**
     * WRITE.
     *
     * @param seconds how long
     */
    record Run(double seconds) implements FanOrder {}

    /**
     * Stop counting, compare.
     *
     * @param received requests by the number of the end that sent them
     */
    record Result(Map<Integer, Long> received) implements FanOrder {
        public Result {
            received = Map.copyOf(received);
        }
    }
}
