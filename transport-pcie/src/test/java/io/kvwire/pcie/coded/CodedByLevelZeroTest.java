package io.kvwire.pcie.coded;

import io.kvwire.ffi.levelzero.Context;
import io.kvwire.pcie.levelzero.LevelZeroMemory;
import io.kvwire.pcie.levelzero.SimulatedLevelZero;
import io.kvwire.transport.spi.DeviceMemory;

import org.junit.jupiter.api.AfterEach;

/** The same on the simulated driver of Level Zero. */
class CodedByLevelZeroTest extends CodedByDevicesTest {
    private Context levelZero;

    @Override
    DeviceMemory device() {
        levelZero = SimulatedLevelZero.open();
        return new LevelZeroMemory("xpu:0", levelZero);
    }

    @Override
    boolean exact() {
        return true;
    }

    @AfterEach
    @Override
    void close() {
        super.close();
        if (levelZero != null) {
            levelZero.close();
            SimulatedLevelZero.assertNothingIsOpen();
        }
    }
}
