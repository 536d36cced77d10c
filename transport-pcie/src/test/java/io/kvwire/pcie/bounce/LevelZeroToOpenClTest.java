package io.kvwire.pcie.bounce;

import io.kvwire.ffi.opencl.Context;
import io.kvwire.pcie.levelzero.LevelZeroMemory;
import io.kvwire.pcie.levelzero.SimulatedLevelZero;
import io.kvwire.transport.spi.DeviceMemory;

import org.junit.jupiter.api.AfterEach;

/** From the simulated driver of Level Zero to an OpenCL device. */
class LevelZeroToOpenClTest extends BounceRingTest {
    private io.kvwire.ffi.levelzero.Context levelZero;

    @Override
    DeviceMemory source(Context context) {
        levelZero = SimulatedLevelZero.open();
        return new LevelZeroMemory("xpu:0", levelZero);
    }

    @AfterEach
    @Override
    void close() {
        super.close();
        if (levelZero != null) {
            levelZero.close();
        }
    }
}
