package io.kvwire.tcp.ffi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.io.IOException;

class IoVectorTest {
    @Test
    void bytesAreTakenOffTheFrontAcrossPieces() {
        var vector = new IoVector(3);
        vector.add(1000, 10);
        vector.add(2000, 20);
        vector.add(3000, 30);

        vector.skip(15);

        assertEquals(2, vector.pieces());
        assertEquals(2005, vector.firstAddress());
        assertEquals(15, vector.firstBytes());
        vector.skip(15);
        assertEquals(3000, vector.firstAddress(), "a piece that is used up is gone");
        assertEquals(30, vector.firstBytes());
        assertEquals(2, vector.taken());
        vector.skip(30);
        assertEquals(0, vector.pieces());
        assertEquals(3, vector.taken());
        assertEquals(3, vector.added());
    }

    @Test
    void aFullVectorTakesNoMore() {
        var vector = new IoVector(1);
        vector.add(1000, 10);

        assertFalse(vector.fits(1));
        assertThrows(IllegalStateException.class, () -> vector.add(2000, 10));
        vector.clear();
        assertTrue(vector.fits(1));
    }

    @Test
    void aCallOnWhatIsNoSocketSaysWhichCallAndWhy() {
        var vector = new IoVector(1);
        vector.add(0, 1);
        var calls = VectorCalls.open();

        var reading = assertThrows(IOException.class, () -> calls.read(-1, vector));
        var writing = assertThrows(IOException.class, () -> calls.write(-1, vector));

        assertTrue(reading.getMessage().contains("readv"), reading.getMessage());
        assertTrue(reading.getMessage().contains("Bad file descriptor"), reading.getMessage());
        assertTrue(writing.getMessage().contains("writev"), writing.getMessage());
    }
}
