package io.kvwire.harness.device;

import java.util.Optional;

/**
 * One kind of compute devices, found through {@link java.util.ServiceLoader}. Loads nothing of its
 * driver before it is asked. Thread-safe.
 */
public interface ComputeDeviceProvider {
    /** {@return what users call the kind: {@code cpu}, {@code xpu}, {@code cuda}} */
    String kind();

    /**
     * {@return why there is no device of this kind on this host and what to do, in one line; empty
     * when there is one}
     */
    Optional<String> unavailable();

    /**
     * Opens a device.
     *
     * @param index which one of its kind, from 0
     * @return the device
     * @throws io.kvwire.transport.TransferException with {@link
     *     io.kvwire.transport.ErrorCode#PATH_UNAVAILABLE} when there is no such device, or its
     *     driver fails
     */
    ComputeDevice open(int index);
}
