package io.kvwire.ffi.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.NativeLibrary;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.Arena;
import java.util.List;
import java.util.stream.IntStream;

/**
 * CUDA on this host: whether the driver is there, and its devices.
 *
 * <p>Opened and initialised at first use. The system property {@value #LIBRARY_PROPERTY} names
 * another file than {@value #LIBRARY_NAME}.
 *
 * <p>Thread-safe.
 *
 * {@snippet :
 * if (CudaLibrary.isUsable()) {
 *     try (var context = Context.of(CudaLibrary.devices().getFirst());
 *             var stream = context.stream();
 *             var memory = context.allocate(1 << 20)) {
 *         stream.copyToDevice(hostMemory, memory.address());
 *         stream.synchronize();
 *     }
 * } else {
 *     log.info("no CUDA: {}", CudaLibrary.reason());
 * }
 * }
 */
public final class CudaLibrary {
    /** Name of the system property that names the driver's file. */
    public static final String LIBRARY_PROPERTY = "kvwire.cuda.library";

    /** The driver's file where the property is not set. */
    public static final String LIBRARY_NAME = "libcuda.so.1";

    private CudaLibrary() {}

    /** Opens the driver when it is first asked for. */
    private static final class Opened {
        static final NativeLibrary CUDA =
                NativeLibrary.open(System.getProperty(LIBRARY_PROPERTY, LIBRARY_NAME));
    }

    /** Initialises the driver, once. */
    private static final class Started {
        static final int STATUS = Calls.raw("cuInit", () -> (int) Cu.INIT.invokeExact(0));
        static final int DEVICES = STATUS == 0 ? count() : 0;

        private static int count() {
            try (var arena = Arena.ofConfined()) {
                var count = arena.allocate(JAVA_INT);
                Calls.status(
                        "cuDeviceGetCount", () -> (int) Cu.DEVICE_GET_COUNT.invokeExact(count));
                return count.get(JAVA_INT, 0);
            }
        }
    }

    static NativeLibrary library() {
        return Opened.CUDA;
    }

    /** {@return whether the driver could be opened; there may be no device all the same} */
    public static boolean isPresent() {
        return library().isPresent();
    }

    /** {@return whether the driver is there, runs, and has a device} */
    public static boolean isUsable() {
        return isPresent() && Started.STATUS == 0 && Started.DEVICES > 0;
    }

    /** {@return why CUDA cannot be used and what to do, in one line; empty when it can} */
    public static String reason() {
        if (!isPresent()) {
            return library().reason()
                    + ". Install NVIDIA's driver; in a container, start it with --gpus";
        }
        if (Started.STATUS != 0) {
            return Result.failure("cuInit", Started.STATUS).getMessage();
        }
        return Started.DEVICES > 0
                ? ""
                : "the CUDA driver has no device: see nvidia-smi and CUDA_VISIBLE_DEVICES";
    }

    /**
     * {@return the version of CUDA that the driver implements: 12080 is 12.8}
     *
     * @throws TransferException when CUDA {@linkplain #isUsable cannot be used}
     */
    public static int version() {
        requireUsable();
        try (var arena = Arena.ofConfined()) {
            var version = arena.allocate(JAVA_INT);
            Calls.status(
                    "cuDriverGetVersion", () -> (int) Cu.DRIVER_GET_VERSION.invokeExact(version));
            return version.get(JAVA_INT, 0);
        }
    }

    /** {@return the devices in the driver's order; empty when CUDA cannot be used} */
    public static List<Device> devices() {
        return isUsable()
                ? IntStream.range(0, Started.DEVICES).mapToObj(Device::of).toList()
                : List.of();
    }

    /**
     * {@return a device}
     *
     * @param ordinal from 0, as the driver counts
     * @throws TransferException with {@link ErrorCode#PATH_UNAVAILABLE} when there is no such
     *     device
     */
    public static Device device(int ordinal) {
        requireUsable();
        if (ordinal < 0 || ordinal >= Started.DEVICES) {
            throw new TransferException(
                    ErrorCode.PATH_UNAVAILABLE,
                    "no device cuda:" + ordinal + ": there are " + Started.DEVICES + ", from 0");
        }
        return Device.of(ordinal);
    }

    private static void requireUsable() {
        if (!isUsable()) {
            throw new TransferException(ErrorCode.PATH_UNAVAILABLE, reason());
        }
    }
}
