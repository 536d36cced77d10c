package io.kvwire.ffi.verbs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;

/**
 * A device in the library's list, not open.
 *
 * @param name its name, such as {@code mlx5_0}
 * @param kernelName the name of its file in {@code /dev/infiniband}, such as {@code uverbs0}
 * @param transport number of its {@code enum ibv_transport_type}: 0 for InfiniBand and RoCE, 1 for
 *     iWARP
 * @param guid its globally unique number
 * @param sysfs its folder below {@code /sys/class/infiniband}
 */
public record Device(String name, String kernelName, int transport, long guid, Path sysfs) {

    /** Kernel drivers whose user-space half posts and polls without a system call. */
    private static final Set<String> BYPASSING =
            Set.of("mlx5_core", "mlx4_core", "bnxt_en", "ice", "i40e", "irdma", "efa", "hns3");

    /** Those of them that tell when a queue pair in error takes no more shared receives. */
    private static final Set<String> TELLING = Set.of("mlx5_core", "mlx4_core", "hns3");

    private static final Set<String> SOFT = Set.of("rxe", "siw");

    private static final Set<String> REBINDING = Set.of("rxe");

    /** {@return whether the transport is iWARP, which has no immediates} */
    public boolean isIwarp() {
        return transport == 1;
    }

    /**
     * {@return the kernel driver of the device, such as {@code mlx5_core}, or the kind of a soft
     * device, {@code rxe} or {@code siw}; empty when it cannot be told}
     */
    public String driver() {
        try {
            var driver = sysfs.resolve("device/driver");
            if (Files.exists(driver)) {
                return driver.toRealPath().getFileName().toString();
            }
            // A soft device names the interface it sits on; it is on no bus.
            if (Files.exists(sysfs.resolve("parent"))) {
                return isIwarp() ? "siw" : "rxe";
            }
        } catch (IOException _) {
            // Only a hint is lost.
        }
        return "";
    }

    /**
     * {@return whether {@link AsyncEvent.Type#QP_LAST_REQUEST_REACHED} comes for each queue pair in
     * error that shares a receive queue}
     */
    public boolean tellsLastReceive() {
        return TELLING.contains(driver());
    }

    /**
     * {@return whether a queue pair carries out the binding of a memory window once, although work
     * requests before it are sent again} Soft-RoCE carries it out again with them, which fails: the
     * queue pair ends, or stands still for good.
     */
    public boolean bindsOnce() {
        return !REBINDING.contains(driver());
    }

    /** {@return how the functions of this device's driver are best called} */
    public CallMode callMode() {
        var driver = driver();
        if (BYPASSING.contains(driver)) {
            return CallMode.BYPASS;
        }
        return SOFT.contains(driver) ? CallMode.SOFT : CallMode.PLAIN;
    }
}
