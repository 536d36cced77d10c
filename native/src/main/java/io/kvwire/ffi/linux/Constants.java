package io.kvwire.ffi.linux;

/** Numbers of the Linux headers, each named as there. */
final class Constants {

    // linux/memfd.h, as sys/mman.h gives them
    static final int MFD_CLOEXEC = 1;
    static final int MFD_ALLOW_SEALING = 2;
    static final int MFD_HUGETLB = 4;
    static final int MFD_HUGE_2MB = 21 << 26;

    // fcntl.h
    static final int F_ADD_SEALS = 1033;
    static final int F_GET_SEALS = 1034;
    static final int F_SEAL_SEAL = 1;
    static final int F_SEAL_SHRINK = 2;
    static final int F_SEAL_GROW = 4;
    static final int F_SEAL_FUTURE_WRITE = 16;

    // sys/mman.h
    static final int PROT_READ = 1;
    static final int PROT_WRITE = 2;
    static final int MAP_SHARED = 1;
    static final int MADV_HUGEPAGE = 14;
    static final int MADV_POPULATE_WRITE = 23;

    // unistd.h
    static final int SEEK_END = 2;

    // sys/socket.h
    static final int AF_UNIX = 1;
    static final int SOCK_SEQPACKET = 5;
    static final int SOCK_NONBLOCK = 0x800;
    static final int SOCK_CLOEXEC = 0x80000;
    static final int SOL_SOCKET = 1;
    static final int SO_PEERCRED = 17;
    static final int SCM_RIGHTS = 1;
    static final int SHUT_WR = 1;
    static final int MSG_CTRUNC = 8;
    static final int MSG_TRUNC = 0x20;
    static final int MSG_NOSIGNAL = 0x4000;
    static final int MSG_CMSG_CLOEXEC = 0x40000000;

    // sys/syscall.h
    static final long SYS_getcpu = ofProcessor(309, 168);
    static final long SYS_mbind = ofProcessor(237, 235);
    static final long SYS_get_mempolicy = ofProcessor(239, 236);

    // linux/mempolicy.h
    static final long MPOL_PREFERRED = 1;
    static final long MPOL_F_NODE = 1;
    static final long MPOL_F_ADDR = 2;

    // poll.h
    static final short POLLIN = 1;

    private Constants() {}

    /** System calls have numbers of their own on x86-64, and the same on all newer processors. */
    private static long ofProcessor(long x86, long newer) {
        return System.getProperty("os.arch").equals("amd64") ? x86 : newer;
    }
}
