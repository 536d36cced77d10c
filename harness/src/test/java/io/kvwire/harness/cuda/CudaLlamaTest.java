package io.kvwire.harness.cuda;

import io.kvwire.harness.kernels.DeviceLlamaContract;

import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(OnCuda.class)
class CudaLlamaTest extends DeviceLlamaContract {
    CudaLlamaTest() {
        super("cuda");
    }
}
