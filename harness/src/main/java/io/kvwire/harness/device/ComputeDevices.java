package io.kvwire.harness.device;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.stream.Collectors;

/** The devices that a seat can be given, by what users call them. Thread-safe. */
public final class ComputeDevices {
    private static final int MOST = 1024;

    private ComputeDevices() {}

    /** {@return the kinds that this build knows, in alphabetical order, whether there are any} */
    public static List<String> kinds() {
        return providers().stream().map(ComputeDeviceProvider::kind).toList();
    }

    /**
     * {@return why there is no device of a kind here, in one line; empty when there is one}
     *
     * @param kind as in {@link #kinds}
     */
    public static Optional<String> unavailable(String kind) {
        return provider(kind).unavailable();
    }

    /**
     * Opens a device.
     *
     * @param name a kind, or a kind and an index such as {@code xpu:1}; without one, the first
     * @return the device
     * @throws TransferException with {@link ErrorCode#OUT_OF_RANGE} for a name that is none, and
     *     with {@link ErrorCode#PATH_UNAVAILABLE} when there is no such device here
     */
    public static ComputeDevice open(String name) {
        int colon = name.indexOf(':');
        var kind = colon < 0 ? name : name.substring(0, colon);
        int index = colon < 0 ? 0 : index(name, name.substring(colon + 1));
        var provider = provider(kind);
        provider.unavailable()
                .ifPresent(why -> {
                    throw new TransferException(
                            ErrorCode.PATH_UNAVAILABLE, "no device " + name + " here: " + why);
                });
        return provider.open(index);
    }

    private static int index(String name, String digits) {
        if (!digits.matches("[0-9]{1,4}") || Integer.parseInt(digits) >= MOST) {
            throw unknown(name);
        }
        return Integer.parseInt(digits);
    }

    private static ComputeDeviceProvider provider(String kind) {
        return providers().stream()
                .filter(candidate -> candidate.kind().equals(kind))
                .findFirst()
                .orElseThrow(() -> unknown(kind));
    }

    private static TransferException unknown(String name) {
        return new TransferException(
                ErrorCode.OUT_OF_RANGE,
                "'"
                        + name
                        + "' is no device: take "
                        + kinds().stream().collect(Collectors.joining(", "))
                        + ", or one of several such as xpu:1");
    }

    private static List<ComputeDeviceProvider> providers() {
        return ServiceLoader.load(
                        ComputeDeviceProvider.class, ComputeDevices.class.getClassLoader())
                .stream()
                .map(ServiceLoader.Provider::get)
                .sorted(Comparator.comparing(ComputeDeviceProvider::kind))
                .toList();
    }
}
