package io.kvwire.ffi.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.StructLayout;

/** The C structs of this package's calls, as {@code sys/socket.h} and its neighbours have them. */
final class Structs {

    /** {@code struct sockaddr_un} of {@code sys/un.h}. */
    static final StructLayout SOCKADDR_UN =
            CStruct.of(
                    "sockaddr_un",
                    JAVA_SHORT.withName("sun_family"),
                    MemoryLayout.sequenceLayout(108, JAVA_BYTE).withName("sun_path"));

    /** {@code struct ucred} of {@code sys/socket.h}. */
    static final StructLayout UCRED =
            CStruct.of(
                    "ucred",
                    JAVA_INT.withName("pid"),
                    JAVA_INT.withName("uid"),
                    JAVA_INT.withName("gid"));

    /** {@code struct iovec} of {@code sys/uio.h}. */
    static final StructLayout IOVEC =
            CStruct.of("iovec", JAVA_LONG.withName("iov_base"), JAVA_LONG.withName("iov_len"));

    /** {@code struct msghdr} of {@code sys/socket.h}. */
    static final StructLayout MSGHDR =
            CStruct.of(
                    "msghdr",
                    ADDRESS.withName("msg_name"),
                    JAVA_INT.withName("msg_namelen"),
                    ADDRESS.withName("msg_iov"),
                    JAVA_LONG.withName("msg_iovlen"),
                    ADDRESS.withName("msg_control"),
                    JAVA_LONG.withName("msg_controllen"),
                    JAVA_INT.withName("msg_flags"));

    /** {@code struct cmsghdr} of {@code sys/socket.h}; the data follows at once. */
    static final StructLayout CMSGHDR =
            CStruct.of(
                    "cmsghdr",
                    JAVA_LONG.withName("cmsg_len"),
                    JAVA_INT.withName("cmsg_level"),
                    JAVA_INT.withName("cmsg_type"));

    /** {@code struct pollfd} of {@code poll.h}. */
    static final StructLayout POLLFD =
            CStruct.of(
                    "pollfd",
                    JAVA_INT.withName("fd"),
                    JAVA_SHORT.withName("events"),
                    JAVA_SHORT.withName("revents"));

    private Structs() {}
}
