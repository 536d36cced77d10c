package io.kvwire.harness.perf;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.io.IOException;
import java.io.UncheckedIOException;

/**
 * What client and server of a measurement tell each other, as JSON in a notification. A
 * notification that does not start with a brace is a ping and comes straight back.
 *
 * @param type what is asked or answered
 * @param point the point of the sweep, with {@link Type#SETUP}
 * @param places how many places of the order were written, with {@link Type#FINISH}
 * @param table the server's blocks in order, with {@link Type#READY}
 * @param cache the name of the server's cache, with {@link Type#READY}
 * @param cpuNanos the server's CPU time since {@link Type#START}, with {@link Type#RESULT}
 * @param verified whether the server's blocks were right, with {@link Type#RESULT}
 * @param error what went wrong, with {@link Type#FAILED}
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
@SuppressWarnings("ArrayRecordComponent") // a message, never compared
record PerfMessage(
        Type type,
        PerfCase point,
        long places,
        byte[] table,
        String cache,
        long cpuNanos,
        boolean verified,
        String error) {
    private static final ObjectMapper JSON = JsonMapper.builder().build();

    enum Type {
        SETUP,
        READY,
        START,
        STARTED,
        FINISH,
        RESULT,
        TEARDOWN,
        FAILED
    }

    static PerfMessage of(Type type) {
        return new PerfMessage(type, null, 0, null, null, 0, false, null);
    }

    static PerfMessage setup(PerfCase point) {
        return new PerfMessage(Type.SETUP, point, 0, null, null, 0, false, null);
    }

    static PerfMessage ready(String cache, byte[] table) {
        return new PerfMessage(Type.READY, null, 0, table, cache, 0, false, null);
    }

    static PerfMessage finish(long places) {
        return new PerfMessage(Type.FINISH, null, places, null, null, 0, false, null);
    }

    static PerfMessage result(long cpuNanos, boolean verified) {
        return new PerfMessage(Type.RESULT, null, 0, null, null, cpuNanos, verified, null);
    }

    static PerfMessage failed(String error) {
        return new PerfMessage(Type.FAILED, null, 0, null, null, 0, false, error);
    }

    static boolean isPing(byte[] payload) {
        return payload.length == 0 || payload[0] != '{';
    }

    byte[] encode() {
        try {
            return JSON.writeValueAsBytes(this);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static PerfMessage decode(byte[] payload) {
        try {
            return JSON.readValue(payload, PerfMessage.class);
        } catch (IOException e) {
            throw new TransferException(
                    ErrorCode.MALFORMED,
                    "the other end does not speak 'kvwire perf' of this release: " + e.getMessage(),
                    e);
        }
    }
}
