package io.kvwire.ffi.verbs;

/**
 * What a device can do: those of {@code struct ibv_device_attr} that matter here.
 *
 * @param firmware version of its firmware
 * @param vendor number of its vendor
 * @param part number of the part
 * @param ports number of its ports, which count from 1
 * @param capabilities bits of {@code enum ibv_device_cap_flags}
 * @param limits its limits
 */
public record DeviceAttributes(
        String firmware, int vendor, int part, int ports, int capabilities, DeviceLimits limits) {

    private static final int MEM_WINDOW_TYPE_2A = 1 << 23;
    private static final int MEM_WINDOW_TYPE_2B = 1 << 24;

    /** {@return whether it has memory windows of type 2, bound by a work request} */
    public boolean hasType2Windows() {
        return (capabilities & (MEM_WINDOW_TYPE_2A | MEM_WINDOW_TYPE_2B)) != 0;
    }
}
