package io.kvwire.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NodeAddressTest {
    @ParameterizedTest
    @CsvSource({
        "decode-0.example:7400, decode-0.example, 7400",
        "127.0.0.1:0, 127.0.0.1, 0",
        "[::1]:65535, ::1, 65535",
        "[fe80::1%eth0]:7400, fe80::1%eth0, 7400",
    })
    void textIsReadAndWrittenAlike(String text, String host, int port) {
        var address = NodeAddress.parse(text);

        assertEquals(new NodeAddress(host, port), address);
        assertEquals(text, address.toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "host", ":7400", "[::1]", "::1", "fe80::1:7400"})
    void textWithoutAPortThatCanBeToldIsRefused(String text) {
        var refusal = assertThrows(IllegalArgumentException.class, () -> NodeAddress.parse(text));

        assertTrue(refusal.getMessage().contains("'" + text + "'"), refusal.getMessage());
        assertTrue(
                refusal.getMessage().contains("]:PORT")
                        || refusal.getMessage().contains("HOST:PORT"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"h:", "h:-1", "h:+80", "h:65536", "h:x", "h: 80", "h:99999999999", "h:８０"})
    void aPortThatIsNoPortIsRefused(String text) {
        var refusal = assertThrows(IllegalArgumentException.class, () -> NodeAddress.parse(text));

        assertTrue(refusal.getMessage().endsWith("need 0 to 65535"), refusal.getMessage());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "a b", "[::1]", "a\nb", "h[0"})
    void aHostThatIsNoHostIsRefused(String host) {
        assertThrows(IllegalArgumentException.class, () -> new NodeAddress(host, 1));
    }

    @Test
    void portsOutOfRangeAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> new NodeAddress("h", -1));
        assertThrows(IllegalArgumentException.class, () -> new NodeAddress("h", 65536));
    }
}
