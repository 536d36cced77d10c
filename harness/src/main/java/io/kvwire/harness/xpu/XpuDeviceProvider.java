package io.kvwire.harness.xpu;

import io.kvwire.ffi.levelzero.LevelZero;
import io.kvwire.ffi.opencl.Device;
import io.kvwire.ffi.opencl.OpenClLibrary;
import io.kvwire.harness.device.ComputeDevice;
import io.kvwire.harness.device.ComputeDeviceProvider;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.Comparator;
import java.util.Optional;

/**
 * Devices of Level Zero where there are any, else of OpenCL, those beside the processor first. The
 * system property {@value #API_PROPERTY} names one of the two, {@value #LEVEL_ZERO} or {@value
 * #OPENCL}, and no other is looked at.
 */
public final class XpuDeviceProvider implements ComputeDeviceProvider {
    /** Name of the system property that chooses the API. */
    public static final String API_PROPERTY = "kvwire.xpu.api";

    private static final Logger LOG = LoggerFactory.getLogger(XpuDeviceProvider.class);
    private static final String LEVEL_ZERO = "levelzero";
    private static final String OPENCL = "opencl";

    /** Makes the provider. */
    public XpuDeviceProvider() {}

    @Override
    public String kind() {
        return "xpu";
    }

    /** The API that the user has named, or empty text. */
    private static String api() {
        var api = System.getProperty(API_PROPERTY, "");
        if (!api.isEmpty() && !api.equals(LEVEL_ZERO) && !api.equals(OPENCL)) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    API_PROPERTY + " is '" + api + "': take " + LEVEL_ZERO + " or " + OPENCL);
        }
        return api;
    }

    @Override
    public Optional<String> unavailable() {
        var noLevelZero = noLevelZero();
        var noOpenCl = noOpenCl();
        return noLevelZero.isPresent() && noOpenCl.isPresent()
                ? Optional.of(noOpenCl.get() + "; " + noLevelZero.get())
                : Optional.empty();
    }

    private static Optional<String> noLevelZero() {
        if (api().equals(OPENCL)) {
            return Optional.of(API_PROPERTY + " asks for OpenCL");
        }
        var levelZero = LevelZero.system();
        if (!levelZero.isPresent()) {
            return Optional.of("no Level Zero: " + levelZero.reason());
        }
        try {
            return levelZero.devices().isEmpty()
                    ? Optional.of("no Level Zero: its drivers find no device")
                    : Optional.empty();
        } catch (TransferException e) {
            return Optional.of("no Level Zero: " + e.getMessage());
        }
    }

    private static Optional<String> noOpenCl() {
        if (api().equals(LEVEL_ZERO)) {
            return Optional.of(API_PROPERTY + " asks for Level Zero");
        }
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
        var device = opened(index);
        LOG.info("{} is {}", device.name(), device.describe());
        return device;
    }

    private static ComputeDevice opened(int index) {
        var reason = noLevelZero();
        if (reason.isPresent()) {
            return openCl(index, reason.get());
        }
        var devices = LevelZero.system().devices();
        requireDevice(index, devices.size(), "Level Zero");
        try {
            return new LevelZeroDevice("xpu:" + index, devices.get(index));
        } catch (TransferException e) {
            if (noOpenCl().isPresent()) {
                throw e;
            }
            return openCl(index, "Level Zero failed: " + e.getMessage());
        }
    }

    private static ComputeDevice openCl(int index, String why) {
        var devices =
                OpenClLibrary.devices().stream()
                        .sorted(Comparator.comparing(Device::isCpu))
                        .toList();
        requireDevice(index, devices.size(), "OpenCL");
        return new OpenClDevice("xpu:" + index, devices.get(index), why);
    }

    private static void requireDevice(int index, int count, String api) {
        if (index >= count) {
            throw new TransferException(
                    ErrorCode.PATH_UNAVAILABLE,
                    "no device xpu:" + index + ": " + api + " has " + count + ", from xpu:0");
        }
    }
}
