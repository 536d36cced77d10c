package io.kvwire.tcp.ffi;

import io.netty.channel.unix.Errors;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.Optional;

/**
 * {@code readv} and {@code writev} on a socket that does not block. The JDK's channels do the same,
 * but allocate two objects for each piece; these calls allocate nothing.
 *
 * <p>They see addresses only: that the memory stays until the call returns is up to the caller. An
 * instance is confined to one thread.
 */
public final class VectorCalls {
    /** IOV_MAX of {@code limits.h}: the most pieces of one call. */
    public static final int MAX_PIECES = 1024;

    private static final int EINTR = 4;
    private static final int EAGAIN = 11;

    private static final MemoryLayout ERRNO_STATE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO = ERRNO_STATE.varHandle(PathElement.groupElement("errno"));

    private final MemorySegment state = Arena.ofAuto().allocate(ERRNO_STATE);

    private VectorCalls() {}

    /** The functions, bound when they are first needed. */
    private static final class Functions {
        // ssize_t readv(int fd, const struct iovec *iov, int iovcnt);
        static final MethodHandle READV;
        // ssize_t writev(int fd, const struct iovec *iov, int iovcnt);
        static final MethodHandle WRITEV;
        static final Optional<String> UNAVAILABLE;

        static {
            MethodHandle readv = null;
            MethodHandle writev = null;
            Optional<String> why = Optional.empty();
            try {
                readv = bind("readv");
                writev = bind("writev");
            } catch (IllegalCallerException | UnsupportedOperationException e) {
                why = Optional.of(e.getMessage());
            }
            READV = readv;
            WRITEV = writev;
            UNAVAILABLE = why;
        }

        private Functions() {}

        @SuppressWarnings("restricted") // what an ffi package is for
        private static MethodHandle bind(String name) {
            var linker = Linker.nativeLinker();
            var symbol =
                    linker.defaultLookup()
                            .find(name)
                            .orElseThrow(() ->
                                    new UnsupportedOperationException(
                                            "the C library has no " + name));
            return linker.downcallHandle(
                    symbol,
                    FunctionDescriptor.of(
                            ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_INT,
                            // As a number: a segment for each call would be garbage.
                            ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_INT),
                    Linker.Option.captureCallState("errno"));
        }
    }

    /** {@return why the calls cannot be made in this process, or empty when they can} */
    public static Optional<String> unavailable() {
        return Functions.UNAVAILABLE;
    }

    /**
     * {@return the calls, for one thread}
     *
     * @throws UnsupportedOperationException when {@link #unavailable} says so
     */
    public static VectorCalls open() {
        unavailable()
                .ifPresent(why -> {
                    throw new UnsupportedOperationException(why);
                });
        return new VectorCalls();
    }

    /**
     * Reads what the socket has.
     *
     * @param fd of a socket that does not block
     * @param pieces to fill
     * @return bytes read; 0 when the socket has nothing; -1 when the other side has closed
     * @throws IOException when the socket is broken
     */
    public int read(int fd, IoVector pieces) throws IOException {
        while (true) {
            long bytes;
            try {
                bytes =
                        (long)
                                Functions.READV.invokeExact(
                                        state, fd, pieces.address(), pieces.pieces());
            } catch (Throwable e) {
                throw unexpected(e);
            }
            if (bytes > 0) {
                return (int) bytes;
            }
            if (bytes == 0) {
                return -1;
            }
            if (!interrupted("readv")) {
                return 0;
            }
        }
    }

    /**
     * Writes what the socket takes.
     *
     * @param fd of a socket that does not block
     * @param pieces to write
     * @return bytes written; 0 when the socket is full
     * @throws IOException when the socket is broken
     */
    public int write(int fd, IoVector pieces) throws IOException {
        pieces.fetchAhead();
        while (true) {
            long bytes;
            try {
                bytes =
                        (long)
                                Functions.WRITEV.invokeExact(
                                        state, fd, pieces.address(), pieces.pieces());
            } catch (Throwable e) {
                throw unexpected(e);
            }
            if (bytes >= 0) {
                return (int) bytes;
            }
            if (!interrupted("writev")) {
                return 0;
            }
        }
    }

    /** Whether the call is to be made again; false when the socket would block. */
    private boolean interrupted(String call) throws IOException {
        int errno = (int) ERRNO.get(state, 0L);
        if (errno == EINTR) {
            return true;
        }
        if (errno == EAGAIN) {
            return false;
        }
        throw Errors.newIOException(call, -errno);
    }

    private static AssertionError unexpected(Throwable e) {
        return new AssertionError("a call into the C library threw", e);
    }
}
