package io.kvwire.harness.cuda;

import io.kvwire.ffi.cuda.CudaLibrary;
import io.kvwire.harness.device.ComputeDevice;
import io.kvwire.harness.device.ComputeDeviceProvider;

import java.util.Optional;

/** GPUs of NVIDIA, in the driver's order. */
public final class CudaDeviceProvider implements ComputeDeviceProvider {
    /** Makes the provider. */
    public CudaDeviceProvider() {}

    @Override
    public String kind() {
        return "cuda";
    }

    @Override
    public Optional<String> unavailable() {
        return CudaLibrary.isUsable() ? Optional.empty() : Optional.of(CudaLibrary.reason());
    }

    @Override
    public ComputeDevice open(int index) {
        return new CudaDevice("cuda:" + index, CudaLibrary.device(index));
    }
}
