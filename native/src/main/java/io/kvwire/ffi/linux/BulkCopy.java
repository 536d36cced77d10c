package io.kvwire.ffi.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.kvwire.ffi.BundledLibrary;
import io.kvwire.ffi.CStruct;
import io.kvwire.ffi.NativeLibrary;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/**
 * Copies many pieces of memory with one call, with stores that pass the caches by: about a third
 * faster than {@code memcpy} where source and target are much larger than the caches, and more
 * where the pieces lie scattered, since those to come are fetched meanwhile. In C, since the JVM
 * has no such stores. The jar has the code where a C compiler was at hand when it was built, and it
 * runs on x86-64 with AVX2; elsewhere {@link #unavailable} says why not.
 *
 * <p>Sees addresses only: that the memory stays is up to the caller. A call holds off garbage
 * collections until it returns, so it copies {@value #MAX_BYTES} bytes at most. Allocates nothing
 * after construction; confined to one thread.
 */
public final class BulkCopy {
    /** The most pieces of one call. */
    public static final int MAX_PIECES = 256;

    /** The most bytes of one call. */
    public static final long MAX_BYTES = 1 << 20;

    private static final StructLayout PIECE =
            MemoryLayout.structLayout(
                    JAVA_LONG.withName("to"),
                    JAVA_LONG.withName("from"),
                    JAVA_LONG.withName("bytes"));
    private static final long SIZE = PIECE.byteSize();
    private static final long TO = CStruct.offset(PIECE, "to");
    private static final long FROM = CStruct.offset(PIECE, "from");
    private static final long BYTES = CStruct.offset(PIECE, "bytes");

    private static final String FILE = "libkvwirecopy.so";
    private static final NativeLibrary LIBRARY = open();

    // int kvwire_copy_width(void)
    private static final int WIDTH = width();

    // void kvwire_copy(const struct piece *pieces, size_t count, int width)
    private static final MethodHandle COPY =
            LIBRARY.optionalFunction(
                            "kvwire_copy",
                            FunctionDescriptor.ofVoid(JAVA_LONG, JAVA_LONG, JAVA_INT),
                            Linker.Option.critical(false))
                    .orElse(null);

    private final MemorySegment pieces;
    private int count;
    private long bytes;

    /**
     * Makes an empty list.
     *
     * @param arena owns its memory
     */
    public BulkCopy(Arena arena) {
        pieces = arena.allocate(PIECE, MAX_PIECES);
    }

    private static NativeLibrary open() {
        try {
            return BundledLibrary.open(FILE, copy -> NativeLibrary.open(copy.toString()))
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

    /** Forgets all pieces. */
    public void clear() {
        count = 0;
        bytes = 0;
    }

    /** {@return how many bytes may be added yet, in one piece; 0 when the list is full} */
    public long room() {
        return count == MAX_PIECES ? 0 : MAX_BYTES - bytes;
    }

    /**
     * Adds a piece. Pieces do not overlap.
     *
     * @param to where it goes, in this process
     * @param from where it is
     * @param length in bytes, at most {@link #room}
     */
    public void add(long to, long from, long length) {
        long at = count * SIZE;
        pieces.set(JAVA_LONG, at + TO, to);
        pieces.set(JAVA_LONG, at + FROM, from);
        pieces.set(JAVA_LONG, at + BYTES, length);
        count++;
        bytes += length;
    }

    /** Copies all pieces and forgets them; only called when nothing is {@link #unavailable}. */
    public void run() {
        if (count == 0) {
            return;
        }
        try {
            COPY.invokeExact(pieces.address(), (long) count, WIDTH);
        } catch (Throwable e) {
            throw Libc.unexpected(e);
        }
        clear();
    }
}
