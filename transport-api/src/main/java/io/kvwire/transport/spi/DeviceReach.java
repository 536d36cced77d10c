package io.kvwire.transport.spi;

/**
 * How a wire moves memory of a device that the host cannot address.
 *
 * @param direct whether the wire reads and writes it itself; otherwise the node stages it through
 *     memory of the host
 * @param how in words, for the path report: the way of a direct one, the reason of a staged one
 */
public record DeviceReach(boolean direct, String how) {
    /**
     * {@return memory that the wire reads and writes itself}
     *
     * @param how which way, for the path report
     */
    public static DeviceReach direct(String how) {
        return new DeviceReach(true, how);
    }

    /**
     * {@return memory that is staged}
     *
     * @param why for the path report
     */
    public static DeviceReach staged(String why) {
        return new DeviceReach(false, why);
    }
}
