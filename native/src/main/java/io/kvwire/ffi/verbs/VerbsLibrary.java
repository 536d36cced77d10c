package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.CStruct;
import io.kvwire.ffi.Errno;
import io.kvwire.ffi.NativeLibrary;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SequenceLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * libibverbs on this host: whether it is there, and the devices it finds.
 *
 * <p>Opened at first use. The system property {@value #LIBRARY_PROPERTY} names another file than
 * {@value #LIBRARY_NAME}, for hosts that keep it outside the loader's path.
 *
 * <p>Thread-safe.
 *
 * {@snippet :
 * if (VerbsLibrary.isPresent()) {
 *     for (var device : VerbsLibrary.devices()) {
 *         try (var context = VerbsLibrary.open(device, CallMode.PLAIN)) {
 *             log.info("{}: {}", device.name(), context.attributes());
 *         }
 *     }
 * } else {
 *     log.info("no RDMA: {}", VerbsLibrary.reason());
 * }
 * }
 */
public final class VerbsLibrary {

    /** Name of the system property that names the library's file. */
    public static final String LIBRARY_PROPERTY = "kvwire.verbs.library";

    /** The library's file where the property is not set. */
    public static final String LIBRARY_NAME = "libibverbs.so.1";

    /** A bound for reading a list that ends in NULL; the kernel allows 1024 devices. */
    private static final SequenceLayout MOST_DEVICES = MemoryLayout.sequenceLayout(1025, ADDRESS);

    private VerbsLibrary() {}

    /** Opens the library when it is first asked for. */
    private static final class Opened {
        static final NativeLibrary IBVERBS =
                NativeLibrary.open(System.getProperty(LIBRARY_PROPERTY, LIBRARY_NAME));
    }

    static NativeLibrary ibverbs() {
        return Opened.IBVERBS;
    }

    /** {@return whether the library could be opened} */
    public static boolean isPresent() {
        return ibverbs().isPresent();
    }

    /** {@return why the library could not be opened and what to do; empty when it is there} */
    public static String reason() {
        return isPresent()
                ? ""
                : ibverbs().reason()
                        + ". Install rdma-core (Debian, Ubuntu: libibverbs1 ibverbs-providers)";
    }

    /** {@return whether memory can be registered by a dma-buf, so that a GPU's can} */
    public static boolean hasDmaBuf() {
        return isPresent() && Ibv.REG_DMABUF_MR.isPresent();
    }

    /**
     * {@return the devices of this host, in the library's order; empty when there are none or the
     * library is absent}
     *
     * @throws TransferException when the library fails to list them, other than for want of kernel
     *     support
     */
    public static List<Device> devices() {
        if (!isPresent()) {
            return List.of();
        }
        return withDevices(pointers -> pointers.stream().map(VerbsLibrary::describe).toList());
    }

    /**
     * Opens a device.
     *
     * @param device one of {@link #devices()}
     * @param mode how its functions are called; {@link Device#callMode()} unless measured otherwise
     * @return the open device; to be closed after everything made from it
     * @throws TransferException with {@link ErrorCode#PATH_UNAVAILABLE} when the device is gone,
     *     and with what the system said when it cannot be opened
     */
    public static Context open(Device device, CallMode mode) {
        return open(device, context -> new Operations(context, mode));
    }

    static Context open(Device device, Function<MemorySegment, Operations> operations) {
        if (!isPresent()) {
            throw new TransferException(ErrorCode.PATH_UNAVAILABLE, reason());
        }
        return withDevices(pointers -> open(pointers, device, operations));
    }

    private static Context open(
            List<MemorySegment> pointers,
            Device device,
            Function<MemorySegment, Operations> operations) {
        for (var pointer : pointers) {
            if (describe(pointer).name().equals(device.name())) {
                var context =
                        Calls.pointer(
                                "ibv_open_device of " + device.name(),
                                "Check that this user may read and write /dev/infiniband/"
                                        + device.kernelName(),
                                e -> (MemorySegment) Ibv.OPEN_DEVICE.invokeExact(e, pointer));
                return new Context(device, context, operations.apply(context));
            }
        }
        throw new TransferException(
                ErrorCode.PATH_UNAVAILABLE,
                "RDMA device " + device.name() + " is gone: list the devices again");
    }

    /** Pointers are valid only while the list is. */
    private static <T> T withDevices(Function<List<MemorySegment>, T> use) {
        var list = list();
        if (list.isEmpty()) {
            return use.apply(List.of());
        }
        try {
            return use.apply(pointers(list.get()));
        } finally {
            Calls.run(() -> {
                Ibv.FREE_DEVICE_LIST.invokeExact(list.get());
            });
        }
    }

    /** The list that the library made, or empty where the kernel knows no RDMA. */
    private static Optional<MemorySegment> list() {
        try (var arena = Arena.ofConfined()) {
            var errno = Errno.allocate(arena);
            var list = (MemorySegment) Ibv.GET_DEVICE_LIST.invokeExact(errno, MemorySegment.NULL);
            if (!list.equals(MemorySegment.NULL)) {
                return Optional.of(list);
            }
            int number = Errno.of(errno);
            if (number == Errno.ENOSYS || number == Errno.ENOENT) {
                return Optional.empty();
            }
            throw Errno.failure("ibv_get_device_list", number, "");
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError("ibv_get_device_list throws nothing", e);
        }
    }

    private static List<MemorySegment> pointers(MemorySegment list) {
        var pointers = new ArrayList<MemorySegment>();
        var entries = CStruct.at(list, MOST_DEVICES);
        for (int i = 0; i < MOST_DEVICES.elementCount(); i++) {
            var pointer = entries.getAtIndex(ADDRESS, i);
            if (pointer.equals(MemorySegment.NULL)) {
                return pointers;
            }
            pointers.add(pointer);
        }
        return pointers;
    }

    private static Device describe(MemorySegment pointer) {
        var device = CStruct.at(pointer, IbvDevice.LAYOUT);
        try {
            return new Device(
                    device.getString(IbvDevice.NAME),
                    device.getString(IbvDevice.DEV_NAME),
                    device.get(JAVA_INT, IbvDevice.TRANSPORT_TYPE),
                    Long.reverseBytes((long) Ibv.GET_DEVICE_GUID.invokeExact(pointer)),
                    Path.of(device.getString(IbvDevice.IBDEV_PATH)));
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError("ibv_get_device_guid throws nothing", e);
        }
    }
}
