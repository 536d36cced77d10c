package io.kvwire.harness.cuda;

import io.kvwire.harness.kernels.DeviceSplitContract;

import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.provider.Arguments;

import java.util.stream.Stream;

@ExtendWith(OnCuda.class)
class CudaSplitTest extends DeviceSplitContract {
    CudaSplitTest() {
        super("cuda");
    }

    static Stream<Arguments> seats() {
        return over("cuda cpu", "cpu cuda", "cuda cuda", "cuda xpu");
    }
}
