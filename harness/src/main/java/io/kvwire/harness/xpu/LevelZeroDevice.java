package io.kvwire.harness.xpu;

import io.kvwire.ffi.levelzero.Context;
import io.kvwire.ffi.levelzero.Device;
import io.kvwire.harness.kernels.KernelDevice;
import io.kvwire.harness.kernels.KernelQueue;
import io.kvwire.pcie.levelzero.LevelZeroMemory;

/** A Level Zero device. */
final class LevelZeroDevice extends KernelDevice<Context, LevelZeroMemory> {
    private final Device device;

    LevelZeroDevice(String name, Device device) {
        super(name, Context.of(device), Context::close, LevelZeroMemory::new);
        this.device = device;
    }

    @Override
    public String describe() {
        return device + ", through Level Zero";
    }

    @Override
    protected KernelQueue<?> queue(Context context, LevelZeroMemory memory) {
        return new LevelZeroQueue(context, memory);
    }
}
