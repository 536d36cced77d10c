package io.kvwire.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.util.List;

class CodecConfigTest {
    @Test
    void namesAndOptionsAreParted() {
        var config = CodecConfig.of("int8,scales=fp16,keys=hadamard", "raw");
        assertEquals(List.of("int8", "raw"), config.names());
        assertEquals("scales=fp16,keys=hadamard", config.options("int8"));
        assertEquals("", config.options("raw"));
        assertEquals("", config.options("int"));
        assertFalse(config.automatic());
    }

    @Test
    void whatACommandLineSaysIsUnderstood() {
        assertEquals(CodecConfig.RAW, CodecConfig.parse("raw"));
        assertTrue(CodecConfig.parse("auto").automatic());
        assertEquals(List.of("int8", "raw"), CodecConfig.parse("auto").names());
        assertEquals(List.of("int8"), CodecConfig.parse("int8,keys=hadamard").names());
    }

    @Test
    void whatCannotBeIsRefused() {
        refused("0 codecs", () -> CodecConfig.of());
        refused("empty or twice", () -> CodecConfig.of("int8", "int8,scales=fp16"));
        refused("empty or twice", () -> CodecConfig.of(""));
        refused("0 codec threads", () -> CodecConfig.RAW.withThreads(0));
        refused("0 staging slots", () -> CodecConfig.RAW.withStaging(0, 1 << 20));
        refused("64 KiB", () -> CodecConfig.RAW.withStaging(1, 1000));
        refused("0 for no probe", () -> CodecConfig.RAW.withProbe(1000));
        assertEquals(0, CodecConfig.RAW.withProbe(0).probeBytes());
    }

    private static void refused(String why, Runnable attempt) {
        var refusal = assertThrows(IllegalArgumentException.class, attempt::run);
        assertTrue(refusal.getMessage().contains(why), refusal.getMessage());
    }
}
