package io.kvwire.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

class TransferExceptionTest {
    @Test
    void carriesCodeMessageAndCause() {
        var cause = new IllegalStateException("before");
        var exception = new TransferException(ErrorCode.STALE, "block 3 has moved on", cause);

        assertEquals(ErrorCode.STALE, exception.code());
        assertEquals("block 3 has moved on", exception.getMessage());
        assertSame(cause, exception.getCause());
    }

    @Test
    void hasACodeAlways() {
        assertThrows(NullPointerException.class, () -> new TransferException(null, "no code"));
    }

    @ParameterizedTest
    @EnumSource
    void aCodeIsFoundByItsNumber(ErrorCode code) {
        assertEquals(code, ErrorCode.of(code.number()));
    }

    @Test
    void numbersAreFixedSinceTheyTravel() {
        var expected =
                List.of(
                        "INTERNAL",
                        "OUT_OF_RANGE",
                        "MALFORMED",
                        "UNKNOWN_REGION",
                        "STALE",
                        "ACCESS_DENIED",
                        "INCOMPATIBLE_LAYOUT",
                        "LEASE_EXPIRED",
                        "DEADLINE_EXCEEDED",
                        "LANE_LOST",
                        "PEER_LOST",
                        "RESOURCE_EXHAUSTED",
                        "CORRUPT",
                        "PATH_UNAVAILABLE",
                        "UNREACHABLE",
                        "REFUSED",
                        "VERSION_MISMATCH",
                        "CLOSED",
                        "CANCELLED");
        assertEquals(
                expected,
                IntStream.rangeClosed(1, expected.size())
                        .mapToObj(number -> ErrorCode.of(number).name())
                        .toList());
        assertEquals(expected.size(), ErrorCode.values().length);
    }

    @Test
    void aNumberThatIsNotKnownIsAnInternalError() {
        assertEquals(ErrorCode.INTERNAL, ErrorCode.of(0));
        assertEquals(ErrorCode.INTERNAL, ErrorCode.of(-1));
        assertEquals(ErrorCode.INTERNAL, ErrorCode.of(1000));
    }

    @Test
    void onlyWhatMayPassIsRetryable() {
        assertEquals(
                "CORRUPT DEADLINE_EXCEEDED LANE_LOST PEER_LOST RESOURCE_EXHAUSTED UNREACHABLE",
                Arrays.stream(ErrorCode.values())
                        .filter(ErrorCode::retryable)
                        .map(Enum::name)
                        .sorted()
                        .collect(Collectors.joining(" ")));
    }
}
