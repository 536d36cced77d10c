package io.kvwire.pcie.bounce;

import io.kvwire.ffi.opencl.Context;
import io.kvwire.pcie.cuda.CudaMemory;
import io.kvwire.pcie.cuda.TestDriver;
import io.kvwire.transport.spi.DeviceMemory;

import org.junit.jupiter.api.AfterEach;

/** From a GPU of NVIDIA, or the simulated driver where there is none, to an OpenCL device. */
class CudaToOpenClTest extends BounceRingTest {
    private io.kvwire.ffi.cuda.Context cuda;

    @Override
    DeviceMemory source(Context context) {
        cuda = TestDriver.open();
        return new CudaMemory("cuda:0", cuda);
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
