package io.kvwire.harness.device;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.util.Optional;

/** The CPU, which is always there. */
public final class CpuDeviceProvider implements ComputeDeviceProvider {
    /** Makes the provider. */
    public CpuDeviceProvider() {}

    @Override
    public String kind() {
        return "cpu";
    }

    @Override
    public Optional<String> unavailable() {
        return Optional.empty();
    }

    @Override
    public ComputeDevice open(int index) {
        if (index != 0) {
            throw new TransferException(
                    ErrorCode.PATH_UNAVAILABLE, "no device cpu:" + index + ": there is one, cpu");
        }
        return CpuDevice.CPU;
    }
}
