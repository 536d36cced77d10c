package io.kvwire.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TokenRangeTest {
    @Test
    void endIsTheTokenAfterTheLast() {
        assertEquals(12, new TokenRange(5, 7).end());
        assertEquals(Integer.MAX_VALUE, new TokenRange(Integer.MAX_VALUE, 0).end());
        assertEquals(Integer.MAX_VALUE, new TokenRange(0, Integer.MAX_VALUE).end());
    }

    @ParameterizedTest
    @CsvSource({"-1, 1", "0, -1", "1, 2147483647", "2147483647, 1", "-2147483648, 2147483647"})
    void aRangeThatWrapsIsRefused(int first, int count) {
        var refusal = assertThrows(TransferException.class, () -> new TokenRange(first, count));

        assertEquals(ErrorCode.OUT_OF_RANGE, refusal.code());
        assertTrue(refusal.getMessage().contains(first + " + " + count));
    }

    @Test
    void containsComparesBothEnds() {
        var range = new TokenRange(10, 10);

        assertTrue(range.contains(range));
        assertTrue(range.contains(new TokenRange(10, 0)));
        assertTrue(range.contains(new TokenRange(20, 0)));
        assertTrue(range.contains(new TokenRange(12, 3)));
        assertFalse(range.contains(new TokenRange(9, 2)));
        assertFalse(range.contains(new TokenRange(19, 2)));
        assertFalse(range.contains(new TokenRange(30, 1)));
    }
}
