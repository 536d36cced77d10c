package io.kvwire.harness.xpu;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.harness.device.ComputeDevices;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The same on Level Zero, whose simulated driver runs the kernels. */
@ExtendWith(OnLevelZero.class)
class LevelZeroSplitTest extends XpuSplitTest {
    @Test
    void theDeviceIsOneOfLevelZero() {
        try (var device = ComputeDevices.open("xpu")) {
            assertTrue(device.describe().contains("through Level Zero"), device::describe);
        }
    }
}
