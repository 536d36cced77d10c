package io.kvwire.harness.serve;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.io.IOException;

/** Records of this package as lines and notifications. Thread-safe. */
final class ServeJson {
    private static final JsonMapper MAPPER = JsonMapper.builder().build();

    private ServeJson() {}

    static <T> String line(Class<T> type, T value) {
        try {
            return MAPPER.writerFor(type).writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(value + " has no JSON form", e);
        }
    }

    static <T> byte[] bytes(Class<T> type, T value) {
        try {
            return MAPPER.writerFor(type).writeValueAsBytes(value);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(value + " has no JSON form", e);
        }
    }

    static <T> T parse(Class<T> type, String line) {
        try {
            return MAPPER.readValue(line, type);
        } catch (JsonProcessingException e) {
            throw new TransferException(
                    ErrorCode.MALFORMED, "no " + type.getSimpleName() + ": '" + line + "'", e);
        }
    }

    static <T> T parse(Class<T> type, byte[] bytes) {
        try {
            return MAPPER.readValue(bytes, type);
        } catch (IOException e) {
            throw new TransferException(
                    ErrorCode.MALFORMED, "a worker sent no " + type.getSimpleName(), e);
        }
    }
}
