package io.kvwire.harness.xpu;

import io.kvwire.harness.kernels.DeviceSplitContract;

import org.junit.jupiter.params.provider.Arguments;

import java.util.stream.Stream;

class XpuSplitTest extends DeviceSplitContract {
    XpuSplitTest() {
        super("xpu");
    }

    static Stream<Arguments> seats() {
        return over("xpu cpu", "cpu xpu", "xpu xpu");
    }
}
