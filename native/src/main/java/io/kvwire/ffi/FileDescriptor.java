package io.kvwire.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;

/** What is done to file descriptors that a native library handed out. Thread-safe. */
public final class FileDescriptor {

    private static final int F_GETFL = 3;
    private static final int F_SETFL = 4;
    private static final int O_NONBLOCK = 0x800;
    private static final short POLLIN = 1;

    /** A descriptor that poll passes over. */
    private static final int IGNORED = -1;

    // struct pollfd { int fd; short events; short revents; }
    private static final StructLayout POLLFD =
            CStruct.of(
                    "pollfd",
                    JAVA_INT.withName("fd"),
                    JAVA_SHORT.withName("events"),
                    JAVA_SHORT.withName("revents"));

    private static final long FD = CStruct.offset(POLLFD, "fd");
    private static final long EVENTS = CStruct.offset(POLLFD, "events");

    // int fcntl(int fd, int cmd, ...)
    private static final MethodHandle FCNTL =
            NativeLibrary.ofC()
                    .function(
                            "fcntl",
                            FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT),
                            Linker.Option.firstVariadicArg(2),
                            Errno.CAPTURE);

    // int poll(struct pollfd *fds, nfds_t nfds, int timeout)
    private static final MethodHandle POLL =
            NativeLibrary.ofC()
                    .function(
                            "poll",
                            FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT),
                            Errno.CAPTURE);

    private FileDescriptor() {}

    /**
     * Makes reads return at once where there is nothing to read.
     *
     * @param descriptor an open descriptor
     * @throws io.kvwire.transport.TransferException when it is not open
     */
    public static void makeNonBlocking(int descriptor) {
        try (var arena = Arena.ofConfined()) {
            var errno = Errno.allocate(arena);
            int flags = fcntl(errno, descriptor, F_GETFL, 0);
            fcntl(errno, descriptor, F_SETFL, flags | O_NONBLOCK);
        }
    }

    /**
     * Waits until there is something to read.
     *
     * @param descriptor an open descriptor
     * @param timeoutMillis how long to wait at most; 0 not at all
     * @return whether there is, or the descriptor is in error, which reading it will show; a signal
     *     ends the wait early
     * @throws io.kvwire.transport.TransferException when the wait fails
     */
    public static boolean awaitReadable(int descriptor, int timeoutMillis) {
        return awaitReadable(descriptor, IGNORED, timeoutMillis);
    }

    /**
     * Waits until there is something to read from either of two descriptors.
     *
     * @param first an open descriptor
     * @param second an open descriptor
     * @param timeoutMillis how long to wait at most; 0 not at all
     * @return whether there is, or one of them is in error; a signal ends the wait early
     * @throws io.kvwire.transport.TransferException when the wait fails
     */
    public static boolean awaitReadable(int first, int second, int timeoutMillis) {
        try (var arena = Arena.ofConfined()) {
            var errno = Errno.allocate(arena);
            var requests = arena.allocate(POLLFD, 2);
            long size = POLLFD.byteSize();
            requests.set(JAVA_INT, FD, first);
            requests.set(JAVA_SHORT, EVENTS, POLLIN);
            requests.set(JAVA_INT, size + FD, second);
            requests.set(JAVA_SHORT, size + EVENTS, POLLIN);
            int ready = (int) POLL.invokeExact(errno, requests, 2L, timeoutMillis);
            if (ready < 0 && Errno.of(errno) != Errno.EINTR) {
                throw Errno.failure("poll of descriptor " + first, Errno.of(errno), "");
            }
            return ready > 0;
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError("poll throws nothing", e);
        }
    }

    private static int fcntl(MemorySegment errno, int descriptor, int command, int argument) {
        try {
            int result = (int) FCNTL.invokeExact(errno, descriptor, command, argument);
            if (result < 0) {
                throw Errno.failure("fcntl of descriptor " + descriptor, Errno.of(errno), "");
            }
            return result;
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError("fcntl throws nothing", e);
        }
    }
}
