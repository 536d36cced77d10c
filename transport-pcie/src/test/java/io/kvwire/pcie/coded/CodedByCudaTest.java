package io.kvwire.pcie.coded;

import io.kvwire.ffi.cuda.Context;
import io.kvwire.pcie.cuda.CudaMemory;
import io.kvwire.pcie.cuda.TestDriver;
import io.kvwire.transport.spi.DeviceMemory;

import org.junit.jupiter.api.AfterEach;

/** The same with a GPU of NVIDIA, or the simulated driver where there is none. */
class CodedByCudaTest extends CodedByDevicesTest {
    private Context cuda;

    @Override
    DeviceMemory device() {
        cuda = TestDriver.open();
        return new CudaMemory("cuda:0", cuda);
    }

    @Override
    boolean exact() {
        return true;
    }

    @AfterEach
    @Override
    void close() {
        super.close();
        if (cuda != null) {
            cuda.close();
        }
    }
}
