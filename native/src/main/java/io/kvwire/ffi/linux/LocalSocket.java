package io.kvwire.ffi.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.kvwire.ffi.CStruct;
import io.kvwire.ffi.Errno;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A socket to a process of this host ({@code AF_UNIX}, {@code SOCK_SEQPACKET}): whole messages, in
 * order, which may hand over descriptors. The kernel says who is at the other end. Nothing waits.
 *
 * <p>Confined to one thread at a time.
 */
public final class LocalSocket implements AutoCloseable {

    /** The longest path of a socket, in bytes of UTF-8. */
    public static final int MAX_PATH_BYTES = 107;

    /** The longest message. */
    public static final int MAX_MESSAGE_BYTES = 4096;

    /** The most descriptors of one message. */
    public static final int MAX_DESCRIPTORS = 4;

    private static final int BACKLOG = 128;
    private static final int TYPE =
            Constants.SOCK_SEQPACKET | Constants.SOCK_NONBLOCK | Constants.SOCK_CLOEXEC;
    private static final long FAMILY = CStruct.offset(Structs.SOCKADDR_UN, "sun_family");
    private static final long PATH = CStruct.offset(Structs.SOCKADDR_UN, "sun_path");
    private static final long CONTROL_DATA = Structs.CMSGHDR.byteSize();
    private static final long CONTROL_BYTES = CONTROL_DATA + (long) MAX_DESCRIPTORS * Integer.BYTES;

    private final int descriptor;
    private boolean closed;

    private LocalSocket(int descriptor) {
        this.descriptor = descriptor;
    }

    /**
     * A message.
     *
     * @param bytes what it says; empty when the other side has closed the socket
     * @param descriptors what it hands over; now this process's to close
     */
    @SuppressWarnings("ArrayRecordComponent") // looked at once, never compared
    public record Message(byte[] bytes, int[] descriptors) {
        /** {@return whether the other side has closed the socket, so that nothing will follow} */
        public boolean ended() {
            return bytes.length == 0;
        }
    }

    /**
     * Listens at a path.
     *
     * @param path where no file is yet
     * @return the listening socket
     * @throws TransferException when it cannot be made there
     */
    public static LocalSocket listen(Path path) {
        var socket = open();
        try (var arena = Arena.ofConfined()) {
            var errno = Errno.allocate(arena);
            var address = address(arena, path);
            int size = (int) address.byteSize();
            if ((int) Libc.BIND.invokeExact(errno, socket.descriptor, address, size) != 0) {
                throw Errno.failure("bind to " + path, Errno.of(errno), "");
            }
            if ((int) Libc.LISTEN.invokeExact(errno, socket.descriptor, BACKLOG) != 0) {
                throw Errno.failure("listen at " + path, Errno.of(errno), "");
            }
            return socket;
        } catch (Throwable e) {
            socket.close();
            throw Libc.unexpected(e);
        }
    }

    /**
     * Connects to a listening socket.
     *
     * @param path where it is
     * @return the connection
     * @throws TransferException with {@link ErrorCode#UNREACHABLE} when nobody listens there,
     *     {@link ErrorCode#PATH_UNAVAILABLE} when nothing is there, {@link ErrorCode#ACCESS_DENIED}
     *     when this user may not, {@link ErrorCode#RESOURCE_EXHAUSTED} when too many wait
     */
    public static LocalSocket connect(Path path) {
        var socket = open();
        try (var arena = Arena.ofConfined()) {
            var errno = Errno.allocate(arena);
            var address = address(arena, path);
            int size = (int) address.byteSize();
            if ((int) Libc.CONNECT.invokeExact(errno, socket.descriptor, address, size) != 0) {
                throw Errno.failure("connect to " + path, Errno.of(errno), "");
            }
            return socket;
        } catch (Throwable e) {
            socket.close();
            throw Libc.unexpected(e);
        }
    }

    private static LocalSocket open() {
        try (var arena = Arena.ofConfined()) {
            var errno = Errno.allocate(arena);
            int descriptor = (int) Libc.SOCKET.invokeExact(errno, Constants.AF_UNIX, TYPE, 0);
            if (descriptor < 0) {
                throw Errno.failure(
                        "socket", Errno.of(errno), "Check the limit of open files (ulimit -n)");
            }
            return new LocalSocket(descriptor);
        } catch (Throwable e) {
            throw Libc.unexpected(e);
        }
    }

    private static MemorySegment address(Arena arena, Path path) {
        byte[] name = path.toString().getBytes(StandardCharsets.UTF_8);
        if (name.length > MAX_PATH_BYTES) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    "the path of a local socket has at most "
                            + MAX_PATH_BYTES
                            + " bytes, this one "
                            + name.length
                            + ": "
                            + path);
        }
        var address = arena.allocate(Structs.SOCKADDR_UN);
        address.set(JAVA_SHORT, FAMILY, (short) Constants.AF_UNIX);
        MemorySegment.copy(name, 0, address, JAVA_BYTE, PATH, name.length);
        return address;
    }

    /** {@return the descriptor, to wait for} */
    public int descriptor() {
        return descriptor;
    }

    /**
     * {@return the next connection to a listening socket, or empty when none waits}
     *
     * @throws TransferException when it cannot be taken, for lack of descriptors say
     */
    public Optional<LocalSocket> accept() {
        int flags = Constants.SOCK_NONBLOCK | Constants.SOCK_CLOEXEC;
        try (var arena = Arena.ofConfined()) {
            var errno = Errno.allocate(arena);
            int peer =
                    (int)
                            Libc.ACCEPT4.invokeExact(
                                    errno,
                                    descriptor,
                                    MemorySegment.NULL,
                                    MemorySegment.NULL,
                                    flags);
            if (peer >= 0) {
                return Optional.of(new LocalSocket(peer));
            }
            return switch (Errno.of(errno)) {
                case Errno.EAGAIN, Errno.EINTR, Errno.ECONNRESET -> Optional.empty();
                default -> throw Errno.failure("accept", Errno.of(errno), "");
            };
        } catch (Throwable e) {
            throw Libc.unexpected(e);
        }
    }

    /** {@return who connected, or who listens at the other end} */
    public Credentials credentials() {
        try (var arena = Arena.ofConfined()) {
            var errno = Errno.allocate(arena);
            var who = arena.allocate(Structs.UCRED);
            var size = arena.allocateFrom(JAVA_INT, (int) Structs.UCRED.byteSize());
            int result =
                    (int)
                            Libc.GETSOCKOPT.invokeExact(
                                    errno,
                                    descriptor,
                                    Constants.SOL_SOCKET,
                                    Constants.SO_PEERCRED,
                                    who,
                                    size);
            if (result != 0) {
                throw Errno.failure("getsockopt of SO_PEERCRED", Errno.of(errno), "");
            }
            return new Credentials(
                    who.get(JAVA_INT, CStruct.offset(Structs.UCRED, "pid")),
                    who.get(JAVA_INT, CStruct.offset(Structs.UCRED, "uid")),
                    who.get(JAVA_INT, CStruct.offset(Structs.UCRED, "gid")));
        } catch (Throwable e) {
            throw Libc.unexpected(e);
        }
    }

    /**
     * Sends a message.
     *
     * @param bytes at least one, at most {@link #MAX_MESSAGE_BYTES}
     * @param descriptors to hand over, at most {@link #MAX_DESCRIPTORS}; they stay open here
     * @return false when the other side has closed, or reads so slowly that there is no room
     */
    public boolean send(byte[] bytes, int... descriptors) {
        if (bytes.length == 0
                || bytes.length > MAX_MESSAGE_BYTES
                || descriptors.length > MAX_DESCRIPTORS) {
            throw new IllegalArgumentException(
                    bytes.length + " bytes and " + descriptors.length + " descriptors");
        }
        try (var arena = Arena.ofConfined()) {
            var errno = Errno.allocate(arena);
            var header = header(arena, arena.allocateFrom(JAVA_BYTE, bytes));
            if (descriptors.length > 0) {
                handOver(arena, header, descriptors);
            }
            while (true) {
                long sent =
                        (long)
                                Libc.SENDMSG.invokeExact(
                                        errno, descriptor, header, Constants.MSG_NOSIGNAL);
                if (sent >= 0) {
                    return true;
                }
                switch (Errno.of(errno)) {
                    case Errno.EINTR -> {}
                    case Errno.EAGAIN, Errno.EPIPE, Errno.ECONNRESET -> {
                        return false;
                    }
                    default -> throw Errno.failure("sendmsg", Errno.of(errno), "");
                }
            }
        } catch (Throwable e) {
            throw Libc.unexpected(e);
        }
    }

    private static MemorySegment header(Arena arena, MemorySegment data) {
        var piece = arena.allocate(Structs.IOVEC);
        piece.set(JAVA_LONG, CStruct.offset(Structs.IOVEC, "iov_base"), data.address());
        piece.set(JAVA_LONG, CStruct.offset(Structs.IOVEC, "iov_len"), data.byteSize());
        var header = arena.allocate(Structs.MSGHDR);
        header.set(ADDRESS, CStruct.offset(Structs.MSGHDR, "msg_iov"), piece);
        header.set(JAVA_LONG, CStruct.offset(Structs.MSGHDR, "msg_iovlen"), 1);
        return header;
    }

    private static void control(MemorySegment header, MemorySegment control, long bytes) {
        header.set(ADDRESS, CStruct.offset(Structs.MSGHDR, "msg_control"), control);
        header.set(JAVA_LONG, CStruct.offset(Structs.MSGHDR, "msg_controllen"), bytes);
    }

    private static void handOver(Arena arena, MemorySegment header, int[] descriptors) {
        var control = arena.allocate(CONTROL_BYTES, Long.BYTES);
        long length = CONTROL_DATA + (long) descriptors.length * Integer.BYTES;
        control.set(JAVA_LONG, CStruct.offset(Structs.CMSGHDR, "cmsg_len"), length);
        control.set(JAVA_INT, CStruct.offset(Structs.CMSGHDR, "cmsg_level"), Constants.SOL_SOCKET);
        control.set(JAVA_INT, CStruct.offset(Structs.CMSGHDR, "cmsg_type"), Constants.SCM_RIGHTS);
        MemorySegment.copy(descriptors, 0, control, JAVA_INT, CONTROL_DATA, descriptors.length);
        // As CMSG_SPACE: the data is padded to the size of a word.
        control(header, control, (length + Long.BYTES - 1) / Long.BYTES * Long.BYTES);
    }

    /**
     * Takes the next message.
     *
     * @return it, or empty when there is none
     * @throws TransferException with {@link ErrorCode#MALFORMED} when it is longer or hands over
     *     more than may be; what it handed over is closed
     */
    public Optional<Message> receive() {
        try (var arena = Arena.ofConfined()) {
            var errno = Errno.allocate(arena);
            var data = arena.allocate(MAX_MESSAGE_BYTES);
            var control = arena.allocate(CONTROL_BYTES, Long.BYTES);
            var header = header(arena, data);
            control(header, control, CONTROL_BYTES);
            long bytes =
                    (long)
                            Libc.RECVMSG.invokeExact(
                                    errno, descriptor, header, Constants.MSG_CMSG_CLOEXEC);
            if (bytes < 0) {
                return switch (Errno.of(errno)) {
                    case Errno.EAGAIN, Errno.EINTR -> Optional.empty();
                    case Errno.ECONNRESET, Errno.EPIPE ->
                            Optional.of(new Message(new byte[0], new int[0]));
                    default -> throw Errno.failure("recvmsg", Errno.of(errno), "");
                };
            }
            int[] descriptors = handedOver(header, control);
            int flags = header.get(JAVA_INT, CStruct.offset(Structs.MSGHDR, "msg_flags"));
            if ((flags & (Constants.MSG_TRUNC | Constants.MSG_CTRUNC)) != 0) {
                Descriptors.close(descriptors);
                throw new TransferException(
                        ErrorCode.MALFORMED, "a message on a local socket is too long");
            }
            return Optional.of(new Message(data.asSlice(0, bytes).toArray(JAVA_BYTE), descriptors));
        } catch (Throwable e) {
            throw Libc.unexpected(e);
        }
    }

    private static int[] handedOver(MemorySegment header, MemorySegment control) {
        long there = header.get(JAVA_LONG, CStruct.offset(Structs.MSGHDR, "msg_controllen"));
        if (there < CONTROL_DATA
                || control.get(JAVA_INT, CStruct.offset(Structs.CMSGHDR, "cmsg_type"))
                        != Constants.SCM_RIGHTS) {
            return new int[0];
        }
        long length = control.get(JAVA_LONG, CStruct.offset(Structs.CMSGHDR, "cmsg_len"));
        return control.asSlice(CONTROL_DATA, length - CONTROL_DATA).toArray(JAVA_INT);
    }

    /**
     * Says that nothing more will be sent: the other side sees the end, while this one still hears
     * of the other's.
     */
    public void endSending() {
        try (var arena = Arena.ofConfined()) {
            var errno = Errno.allocate(arena);
            // Fails only where the other side has gone already, which it will hear of.
            int _ = (int) Libc.SHUTDOWN.invokeExact(errno, descriptor, Constants.SHUT_WR);
        } catch (Throwable e) {
            throw Libc.unexpected(e);
        }
    }

    /** Closes the socket; the other side sees its end. A second call does nothing. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            Descriptors.close(descriptor);
        }
    }
}
