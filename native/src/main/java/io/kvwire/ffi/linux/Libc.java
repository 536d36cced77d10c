package io.kvwire.ffi.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.kvwire.ffi.Errno;
import io.kvwire.ffi.NativeLibrary;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.invoke.MethodHandle;

/**
 * The functions of the C library that this package calls. Those that set {@code errno} take the
 * segment it is captured into first. Addresses are numbers where a segment for each call would be
 * garbage.
 */
final class Libc {

    private static final NativeLibrary C = NativeLibrary.ofC();

    // int memfd_create(const char *name, unsigned int flags)
    static final MethodHandle MEMFD_CREATE = status("memfd_create", ADDRESS, JAVA_INT);

    // int ftruncate(int fd, off_t length)
    static final MethodHandle FTRUNCATE = status("ftruncate", JAVA_INT, JAVA_LONG);

    // int fallocate(int fd, int mode, off_t offset, off_t len)
    static final MethodHandle FALLOCATE =
            status("fallocate", JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG);

    // off_t lseek(int fd, off_t offset, int whence)
    static final MethodHandle LSEEK = count("lseek", JAVA_INT, JAVA_LONG, JAVA_INT);

    // int fcntl(int fd, int cmd, ... /* int arg */)
    static final MethodHandle FCNTL =
            C.function(
                    "fcntl",
                    FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT),
                    Linker.Option.firstVariadicArg(2),
                    Errno.CAPTURE);

    // void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
    static final MethodHandle MMAP =
            count("mmap", JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG);

    // int munmap(void *addr, size_t length)
    static final MethodHandle MUNMAP = status("munmap", JAVA_LONG, JAVA_LONG);

    // int madvise(void *addr, size_t length, int advice)
    static final MethodHandle MADVISE = status("madvise", JAVA_LONG, JAVA_LONG, JAVA_INT);

    // int close(int fd)
    static final MethodHandle CLOSE = status("close", JAVA_INT);

    // uid_t geteuid(void)
    static final MethodHandle GETEUID = C.function("geteuid", FunctionDescriptor.of(JAVA_INT));

    // int socket(int domain, int type, int protocol)
    static final MethodHandle SOCKET = status("socket", JAVA_INT, JAVA_INT, JAVA_INT);

    // int bind(int sockfd, const struct sockaddr *addr, socklen_t addrlen)
    static final MethodHandle BIND = status("bind", JAVA_INT, ADDRESS, JAVA_INT);

    // int listen(int sockfd, int backlog)
    static final MethodHandle LISTEN = status("listen", JAVA_INT, JAVA_INT);

    // int connect(int sockfd, const struct sockaddr *addr, socklen_t addrlen)
    static final MethodHandle CONNECT = status("connect", JAVA_INT, ADDRESS, JAVA_INT);

    // int accept4(int sockfd, struct sockaddr *addr, socklen_t *addrlen, int flags)
    static final MethodHandle ACCEPT4 = status("accept4", JAVA_INT, ADDRESS, ADDRESS, JAVA_INT);

    // int getsockopt(int sockfd, int level, int optname, void *optval, socklen_t *optlen)
    static final MethodHandle GETSOCKOPT =
            status("getsockopt", JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);

    // int shutdown(int sockfd, int how)
    static final MethodHandle SHUTDOWN = status("shutdown", JAVA_INT, JAVA_INT);

    // ssize_t sendmsg(int sockfd, const struct msghdr *msg, int flags)
    static final MethodHandle SENDMSG = count("sendmsg", JAVA_INT, ADDRESS, JAVA_INT);

    // ssize_t recvmsg(int sockfd, struct msghdr *msg, int flags)
    static final MethodHandle RECVMSG = count("recvmsg", JAVA_INT, ADDRESS, JAVA_INT);

    // int poll(struct pollfd *fds, nfds_t nfds, int timeout)
    static final MethodHandle POLL = status("poll", JAVA_LONG, JAVA_LONG, JAVA_INT);

    // ssize_t process_vm_readv(pid_t pid, const struct iovec *local_iov, unsigned long liovcnt,
    //                          const struct iovec *remote_iov, unsigned long riovcnt,
    //                          unsigned long flags)
    static final MethodHandle PROCESS_VM_READV =
            count(
                    "process_vm_readv",
                    JAVA_INT,
                    JAVA_LONG,
                    JAVA_LONG,
                    JAVA_LONG,
                    JAVA_LONG,
                    JAVA_LONG);

    // long syscall(long number, ...)
    static final MethodHandle SYSCALL =
            C.function(
                    "syscall",
                    FunctionDescriptor.of(
                            JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG,
                            JAVA_LONG, JAVA_LONG),
                    Linker.Option.firstVariadicArg(1),
                    Errno.CAPTURE);

    private Libc() {}

    private static MethodHandle status(String name, MemoryLayout... parameters) {
        return C.function(name, FunctionDescriptor.of(JAVA_INT, parameters), Errno.CAPTURE);
    }

    private static MethodHandle count(String name, MemoryLayout... parameters) {
        return C.function(name, FunctionDescriptor.of(JAVA_LONG, parameters), Errno.CAPTURE);
    }

    /** What a call into the C library throws is a mistake of ours, or the JVM's end. */
    static Error unexpected(Throwable e) {
        if (e instanceof RuntimeException known) {
            throw known;
        }
        if (e instanceof Error error) {
            throw error;
        }
        return new AssertionError("a call into the C library threw", e);
    }
}
