package io.kvwire.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.Optional;

/**
 * A shared library of the system, or the reason why it is not there.
 *
 * <p>Opened once and never closed: other code in the process may hold addresses of it, and drivers
 * rarely survive being unloaded.
 *
 * <p>Immutable and thread-safe.
 *
 * {@snippet :
 * var library = NativeLibrary.open("libibverbs.so.1");
 * if (library.isPresent()) {
 *     var close = library.function("ibv_close_device", FunctionDescriptor.of(JAVA_INT, ADDRESS));
 * } else {
 *     log.info("no RDMA: {}", library.reason());
 * }
 * }
 */
public final class NativeLibrary {

    private static final int RTLD_LAZY = 1;

    private final String name;
    private final String reason;
    private final SymbolLookup symbols;

    private NativeLibrary(String name, String reason, SymbolLookup symbols) {
        this.name = name;
        this.reason = reason;
        this.symbols = symbols;
    }

    /**
     * Opens the first of some files that can be opened.
     *
     * @param fileNames names that the system's loader searches for, or absolute paths; at least one
     * @return the library, which {@linkplain #isPresent() may be absent}
     */
    public static NativeLibrary open(String... fileNames) {
        if (fileNames.length == 0) {
            throw new IllegalArgumentException("no file name of a library");
        }
        var reasons = new ArrayList<String>();
        for (var file : fileNames) {
            var symbols = load(file);
            if (symbols.isPresent()) {
                return new NativeLibrary(file, "", symbols.get());
            }
            reasons.add(whyNot(file));
        }
        return new NativeLibrary(fileNames[0], String.join("; ", reasons), _ -> Optional.empty());
    }

    /** {@return the library of the C runtime that this JVM runs on; always present} */
    public static NativeLibrary ofC() {
        return new NativeLibrary("the C library", "", LIBC);
    }

    /** {@return whether the library is there} */
    public boolean isPresent() {
        return reason.isEmpty();
    }

    /** {@return the file name that was opened, or the first that was tried} */
    public String name() {
        return name;
    }

    /**
     * {@return why the library could not be opened, in the loader's words; empty when it is there}
     */
    public String reason() {
        return reason;
    }

    /**
     * {@return whether the library is there and exports a function}
     *
     * @param symbol the function's name
     */
    public boolean has(String symbol) {
        return symbols.find(symbol).isPresent();
    }

    /**
     * Binds a function that every supported version of the library has.
     *
     * @param symbol the function's name
     * @param type its parameters and result
     * @param options options of the call, such as {@link Linker.Option#critical}
     * @return a handle to the function
     * @throws TransferException with {@link ErrorCode#PATH_UNAVAILABLE} when the library or the
     *     function is not there
     */
    public MethodHandle function(String symbol, FunctionDescriptor type, Linker.Option... options) {
        return optionalFunction(symbol, type, options)
                .orElseThrow(() ->
                        new TransferException(
                                ErrorCode.PATH_UNAVAILABLE,
                                isPresent()
                                        ? name
                                                + " has no function "
                                                + symbol
                                                + ": install a newer version"
                                        : reason));
    }

    /**
     * Binds a function that only newer versions of the library have.
     *
     * @param symbol the function's name
     * @param type its parameters and result
     * @param options options of the call
     * @return a handle to the function, or empty when this library has none of that name
     */
    public Optional<MethodHandle> optionalFunction(
            String symbol, FunctionDescriptor type, Linker.Option... options) {
        return symbols.find(symbol).map(address -> bind(address, type, options));
    }

    /**
     * Binds a function whose address was read from memory, such as from a table of operations.
     *
     * @param address where the function starts; not zero
     * @param type its parameters and result
     * @param options options of the call
     * @return a handle to the function
     */
    @SuppressWarnings("restricted") // what an ffi package is for
    public static MethodHandle bind(
            MemorySegment address, FunctionDescriptor type, Linker.Option... options) {
        return Linker.nativeLinker().downcallHandle(address, type, options);
    }

    @SuppressWarnings("restricted") // what an ffi package is for
    private static Optional<SymbolLookup> load(String file) {
        try {
            return Optional.of(SymbolLookup.libraryLookup(file, Arena.global()));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /** Asks the loader again, this time for the reason, which the JDK keeps to itself. */
    private static String whyNot(String file) {
        try (var arena = Arena.ofConfined()) {
            var handle =
                    (MemorySegment) Loader.DLOPEN.invokeExact(arena.allocateFrom(file), RTLD_LAZY);
            if (!handle.equals(MemorySegment.NULL)) {
                return file + " could not be opened";
            }
            var text = (MemorySegment) Loader.DLERROR.invokeExact();
            return CString.read(text);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError("dlopen throws nothing", e);
        }
    }

    private static final SymbolLookup LIBC = Linker.nativeLinker().defaultLookup();

    /** The functions of the system's loader. */
    private static final class Loader {

        // void *dlopen(const char *filename, int flags)
        static final MethodHandle DLOPEN =
                ofC().function("dlopen", FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_INT));

        // char *dlerror(void)
        static final MethodHandle DLERROR =
                ofC().function("dlerror", FunctionDescriptor.of(ADDRESS));
    }
}
