package io.kvwire.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class StridedCopyTest {
    @Test
    void movesItsPieces() {
        assertEquals(30, new StridedCopy(0, 100, 0, 50, 10, 3).bytes());
        assertEquals(3L << 40, new StridedCopy(0, 0, 0, 0, 1L << 40, 3).bytes());
    }

    @Test
    void oneContiguousPieceHasItsLengthAsStride() {
        assertEquals(new StridedCopy(5, 10, 7, 10, 10, 1), StridedCopy.contiguous(5, 7, 10));
    }
}
