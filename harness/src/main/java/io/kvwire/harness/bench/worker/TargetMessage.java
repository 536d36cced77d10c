package io.kvwire.harness.bench.worker;

import io.kvwire.harness.bench.Json;
import io.kvwire.harness.bench.Point;

/**
 * What source and target tell each other over pipes, one JSON line each.
 *
 * @param op what the source wants; in an answer, the same
 * @param point to set up
 * @param requests moved so far, for {@code result}
 * @param address where the target listens
 * @param cache the name of its cache
 * @param table its blocks, in base64
 * @param cpuNanos since {@code mark}
 * @param peakBytes since {@code mark}
 * @param compilerMillis how long its compiler has worked
 * @param verified whether every byte was right
 * @param error why it failed
 */
record TargetMessage(
        Op op,
        Point point,
        long requests,
        String address,
        String cache,
        String table,
        long cpuNanos,
        long peakBytes,
        long compilerMillis,
        boolean verified,
        String error) {
    enum Op {
        /** Start a node for the adapter's life. */
        START,
        /** Allocate, register and name the blocks of a point. */
        SETUP,
        /** Poison, and count from now. */
        MARK,
        /** Stop counting, compare. */
        RESULT,
        /** Say how long the compiler has worked. */
        COMPILED,
        /** Give a point's memory back. */
        TEARDOWN,
        /** Start a node beside the first and register a point's memory, which stays allocated. */
        CHURN,
        /** End the node of {@link #CHURN}. */
        END_CHURN
    }

    static TargetMessage of(Op op) {
        return new TargetMessage(op, null, 0, null, null, null, 0, 0, 0, false, null);
    }

    static TargetMessage of(Op op, Point point) {
        return new TargetMessage(op, point, 0, null, null, null, 0, 0, 0, false, null);
    }

    static TargetMessage result(long requests) {
        return new TargetMessage(Op.RESULT, null, requests, null, null, null, 0, 0, 0, false, null);
    }

    static TargetMessage ready(Op op, String address, String cache, String table) {
        return new TargetMessage(op, null, 0, address, cache, table, 0, 0, 0, false, null);
    }

    static TargetMessage used(ProcessCost.Used used, boolean verified) {
        return new TargetMessage(
                Op.RESULT,
                null,
                0,
                null,
                null,
                null,
                used.cpuNanos(),
                used.peakBytes(),
                0,
                verified,
                null);
    }

    static TargetMessage compiled(long millis) {
        return new TargetMessage(Op.COMPILED, null, 0, null, null, null, 0, 0, millis, false, null);
    }

    static TargetMessage failed(Op op, String why) {
        return new TargetMessage(op, null, 0, null, null, null, 0, 0, 0, false, why);
    }

    static TargetMessage parse(String line) {
        return Json.parse(line, TargetMessage.class);
    }
}
