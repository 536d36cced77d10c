package io.kvwire.ffi.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.kvwire.ffi.BundledLibrary;
import io.kvwire.ffi.NativeLibrary;

import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/**
 * Copies large pieces of memory with stores that pass the caches by, about a third faster than
 * {@code memcpy} where source and target are much larger than the caches; in C, since the JVM has
 * no such stores. The jar has the code where a C compiler was at hand when it was built, and it
 * runs on x86-64 with AVX2; elsewhere {@link #unavailable} says why not.
 *
 * <p>Sees addresses only: that the memory stays is up to the caller. A call holds off garbage
 * collections until it returns, so pieces should be of a megabyte or so. Allocates nothing;
 * thread-safe.
 */
public final class BulkCopy {
    private static final String FILE = "libkvwirecopy.so";
    private static final NativeLibrary LIBRARY = open();

    // int kvwire_copy_width(void)
    private static final int WIDTH = width();

    // void kvwire_copy(char *to, const char *from, size_t bytes, const char *ahead, int width)
    private static final MethodHandle COPY =
            LIBRARY.optionalFunction(
                            "kvwire_copy",
                            FunctionDescriptor.ofVoid(
                                    JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT),
                            Linker.Option.critical(false))
                    .orElse(null);

    private BulkCopy() {}

    private static NativeLibrary open() {
        try {
            return BundledLibrary.extract(FILE)
                    .map(copy -> NativeLibrary.open(copy.toString()))
                    .orElseGet(() -> NativeLibrary.open(FILE));
        } catch (IOException _) {
            return NativeLibrary.open(FILE);
        }
    }

    private static int width() {
        var function =
                LIBRARY.optionalFunction("kvwire_copy_width", FunctionDescriptor.of(JAVA_INT));
        try {
            return function.isEmpty() ? 0 : (int) function.get().invokeExact();
        } catch (Throwable e) {
            throw Libc.unexpected(e);
        }
    }

    /** {@return why pieces cannot be copied this way, or empty when they can} */
    public static Optional<String> unavailable() {
        if (!LIBRARY.isPresent()) {
            return Optional.of("this build has no C code for this platform");
        }
        return WIDTH > 0 ? Optional.empty() : Optional.of("this processor lacks AVX2");
    }

    /**
     * Copies a piece; only called when nothing is {@link #unavailable}.
     *
     * @param to where to, in this process
     * @param from where from; the two do not overlap
     * @param bytes how many
     * @param ahead where the next piece starts that will be copied, which is fetched meanwhile; 0
     *     when there is none or it adjoins this one. A hint: it need not be readable.
     */
    public static void copy(long to, long from, long bytes, long ahead) {
        try {
            COPY.invokeExact(to, from, bytes, ahead, WIDTH);
        } catch (Throwable e) {
            throw Libc.unexpected(e);
        }
    }
}
