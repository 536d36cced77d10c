package io.kvwire.pcie.lanes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

class OpenedTest {
    private final List<String> closed = new ArrayList<>();
    private final Opened opened = new Opened();

    @Test
    void whatWasOpenedLastIsClosedFirstAndOnce() {
        var first = opened.add("first", closed::add);
        opened.add("second", closed::add);
        opened.close();
        opened.close();

        assertSame("first", first);
        assertEquals(List.of("second", "first"), closed);
    }

    @Test
    void anErrorKeepsNothingOpen() {
        opened.add("first", closed::add);
        opened.add(
                "second",
                name -> {
                    throw new IllegalStateException(name);
                });
        opened.add("third", closed::add);

        var thrown = assertThrows(IllegalStateException.class, opened::close);

        assertEquals("second", thrown.getMessage());
        assertEquals(List.of("third", "first"), closed);
    }
}
