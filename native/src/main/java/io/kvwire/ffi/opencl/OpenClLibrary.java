package io.kvwire.ffi.opencl;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.NativeLibrary;
import io.kvwire.ffi.SignalHandlers;
import io.kvwire.transport.TransferException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * OpenCL on this host: whether its loader is there, and the devices of all drivers.
 *
 * <p>Opened at first use. The system property {@value #LIBRARY_PROPERTY} names another file than
 * {@value #LIBRARY_NAME}.
 *
 * <p>Thread-safe.
 *
 * {@snippet :
 * if (OpenClLibrary.isPresent()) {
 *     for (var device : OpenClLibrary.devices()) {
 *         try (var context = Context.of(device); var queue = context.queue()) {
 *             log.info("{} has {} bytes", device.name(), device.memoryBytes());
 *         }
 *     }
 * } else {
 *     log.info("no OpenCL: {}", OpenClLibrary.reason());
 * }
 * }
 */
public final class OpenClLibrary {

    /** Name of the system property that names the loader's file. */
    public static final String LIBRARY_PROPERTY = "kvwire.opencl.library";

    /** The loader's file where the property is not set. */
    public static final String LIBRARY_NAME = "libOpenCL.so.1";

    /** More platforms, and more devices of one platform, are not looked at. */
    private static final int MOST = 64;

    private OpenClLibrary() {}

    /** Opens the library when it is first asked for. */
    private static final class Opened {
        static final NativeLibrary OPENCL =
                NativeLibrary.open(System.getProperty(LIBRARY_PROPERTY, LIBRARY_NAME));
    }

    static NativeLibrary library() {
        return Opened.OPENCL;
    }

    /** {@return whether the loader could be opened; there may be no driver all the same} */
    public static boolean isPresent() {
        return library().isPresent();
    }

    /** {@return why the loader could not be opened and what to do; empty when it is there} */
    public static String reason() {
        return isPresent()
                ? ""
                : library().reason()
                        + ". Install an ICD loader and a driver (Debian, Ubuntu: ocl-icd-libopencl1"
                        + " with pocl-opencl-icd or intel-opencl-icd)";
    }

    /**
     * {@return the devices of all platforms, in the loader's order; empty when there are none or
     * the loader is absent}
     *
     * @throws TransferException when a driver fails to list them
     */
    public static List<Device> devices() {
        if (!isPresent()) {
            return List.of();
        }
        // The first look at a driver loads it, with its compiler.
        return SignalHandlers.keeping(OpenClLibrary::ofAllPlatforms);
    }

    private static List<Device> ofAllPlatforms() {
        var devices = new ArrayList<Device>();
        try (var arena = Arena.ofConfined()) {
            var ids = arena.allocate(ADDRESS, MOST);
            for (var platform : platforms()) {
                int found = deviceIds(platform, ids, arena.allocate(JAVA_INT));
                for (int i = 0; i < found; i++) {
                    devices.add(new Device(platform, ids.getAtIndex(ADDRESS, i)));
                }
            }
        }
        return List.copyOf(devices);
    }

    private static List<MemorySegment> platforms() {
        try (var arena = Arena.ofConfined()) {
            var ids = arena.allocate(ADDRESS, MOST);
            var count = arena.allocate(JAVA_INT);
            int status =
                    Calls.raw(
                            "clGetPlatformIDs",
                            () -> (int) Cl.GET_PLATFORM_IDS.invokeExact(MOST, ids, count));
            if (status == ErrorName.CL_PLATFORM_NOT_FOUND_KHR.number()) {
                return List.of();
            }
            if (status != 0) {
                throw ErrorName.failure("clGetPlatformIDs", status);
            }
            var platforms = new ArrayList<MemorySegment>();
            for (int i = 0; i < Math.min(MOST, count.get(JAVA_INT, 0)); i++) {
                platforms.add(ids.getAtIndex(ADDRESS, i));
            }
            return platforms;
        }
    }

    private static int deviceIds(MemorySegment platform, MemorySegment ids, MemorySegment count) {
        int status =
                Calls.raw(
                        "clGetDeviceIDs",
                        () ->
                                (int)
                                        Cl.GET_DEVICE_IDS.invokeExact(
                                                platform,
                                                Constants.CL_DEVICE_TYPE_ALL,
                                                MOST,
                                                ids,
                                                count));
        if (status == ErrorName.CL_DEVICE_NOT_FOUND.number()) {
            return 0;
        }
        if (status != 0) {
            throw ErrorName.failure("clGetDeviceIDs", status);
        }
        return Math.min(MOST, count.get(JAVA_INT, 0));
    }
}
