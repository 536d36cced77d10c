package io.kvwire.ffi.levelzero;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.NativeLibrary;
import io.kvwire.transport.TransferException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Level Zero on this host: whether its loader and a driver are there, and the devices of all
 * drivers.
 *
 * <p>Opened at first use and never closed. The system property {@value #LIBRARY_PROPERTY} names
 * another file than {@value #LIBRARY_NAME}. Thread-safe.
 *
 * {@snippet :
 * var levelZero = LevelZero.system();
 * if (levelZero.isPresent()) {
 *     try (var context = Context.of(levelZero.devices().getFirst())) {
 *         var memory = context.allocateShareable(1 << 20, 4096);
 *     }
 * } else {
 *     log.info("no Level Zero: {}", levelZero.reason());
 * }
 * }
 */
public final class LevelZero {

    /** Name of the system property that names the loader's file. */
    public static final String LIBRARY_PROPERTY = "kvwire.levelzero.library";

    /** The loader's file where the property is not set. */
    public static final String LIBRARY_NAME = "libze_loader.so.1";

    /** More drivers, and more devices of one driver, are not looked at. */
    private static final int MOST = 64;

    private static final Map<String, LevelZero> OPENED = new ConcurrentHashMap<>();

    private final String reason;
    private final Optional<Functions> functions;

    private LevelZero(NativeLibrary library) {
        if (!library.isPresent()) {
            functions = Optional.empty();
            reason =
                    library.reason()
                            + ". Install the loader and a driver (Debian, Ubuntu: libze1 with"
                            + " intel-level-zero-gpu)";
            return;
        }
        var bound = new Functions(library);
        int status = Functions.raw("zeInit", () -> (int) bound.init.invokeExact(0));
        functions = status == 0 ? Optional.of(bound) : Optional.empty();
        reason = status == 0 ? "" : ErrorName.failure("zeInit", status).getMessage();
    }

    /**
     * {@return Level Zero as this host has it: the loader that {@value #LIBRARY_PROPERTY} names
     * now}
     */
    public static LevelZero system() {
        var file = System.getProperty(LIBRARY_PROPERTY, LIBRARY_NAME);
        return OPENED.computeIfAbsent(file, LevelZero::open);
    }

    /** Opens a loader of another name. */
    static LevelZero open(String file) {
        return new LevelZero(NativeLibrary.open(file));
    }

    /** {@return whether there are a loader and a driver} */
    public boolean isPresent() {
        return functions.isPresent();
    }

    /** {@return what is missing and what to do; empty when {@link #isPresent}} */
    public String reason() {
        return reason;
    }

    /**
     * {@return the devices of all drivers, in the loader's order; empty when there are none}
     *
     * @throws TransferException when a driver fails to list them
     */
    public List<Device> devices() {
        if (functions.isEmpty()) {
            return List.of();
        }
        var ze = functions.get();
        var devices = new ArrayList<Device>();
        try (var arena = Arena.ofConfined()) {
            var drivers = arena.allocate(ADDRESS, MOST);
            var handles = arena.allocate(ADDRESS, MOST);
            var count = arena.allocateFrom(JAVA_INT, MOST);
            Functions.check("zeDriverGet", () -> (int) ze.driverGet.invokeExact(count, drivers));
            int driverCount = Math.min(MOST, count.get(JAVA_INT, 0));
            for (int d = 0; d < driverCount; d++) {
                var driver = drivers.getAtIndex(ADDRESS, d);
                count.set(JAVA_INT, 0, MOST);
                Functions.check(
                        "zeDeviceGet",
                        () -> (int) ze.deviceGet.invokeExact(driver, count, handles));
                for (int i = 0; i < Math.min(MOST, count.get(JAVA_INT, 0)); i++) {
                    MemorySegment handle = handles.getAtIndex(ADDRESS, i);
                    devices.add(new Device(ze, driver, handle));
                }
            }
        }
        return List.copyOf(devices);
    }
}
