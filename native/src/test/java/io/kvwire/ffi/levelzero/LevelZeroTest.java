package io.kvwire.ffi.levelzero;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.nio.file.Path;
import java.util.List;

/** What is said on a host without the loader, without a driver, or with both. */
class LevelZeroTest {

    @Test
    void aLoaderThatIsNotThereIsAReasonAndNoError() {
        var absent = LevelZero.open(Path.of("", "no-such-loader.so.1").toString());

        assertFalse(absent.isPresent());
        assertEquals(List.of(), absent.devices());
        assertTrue(absent.reason().contains("no-such-loader.so.1"), absent.reason());
        assertTrue(absent.reason().contains("libze1"), absent.reason());
    }

    @Test
    void theSystemsLoaderGivesDevicesOrAReason() {
        var system = LevelZero.system();

        if (system.isPresent()) {
            assertEquals("", system.reason());
            system.devices().forEach(device -> assertTrue(device.memoryBytes() > 0));
        } else {
            assertEquals(List.of(), system.devices());
            assertTrue(system.reason().contains("Install"), system.reason());
        }
    }
}
