package io.kvwire.harness.xpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kvwire.ffi.levelzero.LevelZero;
import io.kvwire.ffi.opencl.OpenClLibrary;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Which API {@code xpu} is of, and what it says of the other. */
class XpuDeviceProviderTest {
    private final XpuDeviceProvider provider = new XpuDeviceProvider();

    @AfterEach
    void forget() {
        System.clearProperty(XpuDeviceProvider.API_PROPERTY);
        System.clearProperty(LevelZero.LIBRARY_PROPERTY);
    }

    @Test
    void withoutLevelZeroItIsOpenClAndSaysWhy() {
        assumeTrue(OpenClLibrary.isPresent(), OpenClLibrary::reason);
        assumeTrue(!OpenClLibrary.devices().isEmpty(), "no OpenCL device");
        System.setProperty(LevelZero.LIBRARY_PROPERTY, "no-such-loader.so.1");

        assertTrue(provider.unavailable().isEmpty());
        try (var device = provider.open(0)) {
            assertTrue(device.describe().contains("OpenCL: no Level Zero"), device::describe);
            assertTrue(device.describe().contains("no-such-loader"), device::describe);
        }
        System.setProperty(XpuDeviceProvider.API_PROPERTY, "opencl");
        try (var device = provider.open(0)) {
            assertTrue(device.describe().contains("asks for OpenCL"), device::describe);
        }
    }

    @Test
    void theApiThatIsAskedForIsTheOnlyOne() {
        System.setProperty(LevelZero.LIBRARY_PROPERTY, "no-such-loader.so.1");
        System.setProperty(XpuDeviceProvider.API_PROPERTY, "levelzero");

        var missing = provider.unavailable().orElseThrow();

        assertTrue(missing.contains("no-such-loader"), missing);
        assertTrue(missing.contains("asks for Level Zero"), missing);
    }

    @Test
    void anApiThatIsNoneIsRefused() {
        System.setProperty(XpuDeviceProvider.API_PROPERTY, "metal");

        var refused = assertThrows(TransferException.class, provider::unavailable);

        assertEquals(ErrorCode.OUT_OF_RANGE, refused.code());
        assertTrue(refused.getMessage().contains("levelzero or opencl"), refused.getMessage());
    }
}
