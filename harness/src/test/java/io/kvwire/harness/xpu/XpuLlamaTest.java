package io.kvwire.harness.xpu;

import io.kvwire.harness.kernels.DeviceLlamaContract;

class XpuLlamaTest extends DeviceLlamaContract {
    XpuLlamaTest() {
        super("xpu");
    }
}
