package io.kvwire.harness.xpu;

import io.kvwire.ffi.opencl.Device;
import io.kvwire.ffi.opencl.OpenClLibrary;
import io.kvwire.harness.device.ComputeDevice;
import io.kvwire.harness.device.ComputeDeviceProvider;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** OpenCL devices: those beside the processor first, in the loader's order. */
public final class XpuDeviceProvider implements ComputeDeviceProvider {
    /** Makes the provider. */
    public XpuDeviceProvider() {}

    @Override
    public String kind() {
        return "xpu";
    }

    @Override
    public Optional<String> unavailable() {
        if (!OpenClLibrary.isPresent()) {
            return Optional.of(OpenClLibrary.reason());
        }
        return OpenClLibrary.devices().isEmpty()
                ? Optional.of(
                        "OpenCL's loader finds no device. Install a driver (Debian, Ubuntu:"
                                + " intel-opencl-icd, or pocl-opencl-icd for the CPU)")
                : Optional.empty();
    }

    @Override
    public ComputeDevice open(int index) {
        var devices = devices();
        if (index >= devices.size()) {
            throw new TransferException(
                    ErrorCode.PATH_UNAVAILABLE,
                    "no device xpu:" + index + ": OpenCL has " + devices.size() + ", from xpu:0");
        }
        return new XpuDevice("xpu:" + index, devices.get(index));
    }

    private static List<Device> devices() {
        return OpenClLibrary.devices().stream()
                .sorted(Comparator.comparing(Device::isCpu))
                .toList();
    }
}
