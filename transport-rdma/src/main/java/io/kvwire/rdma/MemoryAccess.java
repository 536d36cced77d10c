package io.kvwire.rdma;

/** Bits of the access that a registration of memory grants, as in {@code enum ibv_access_flags}. */
final class MemoryAccess {
    /** The local device may write it. */
    static final int LOCAL_WRITE = 1;

    /** The peer may write it. */
    static final int REMOTE_WRITE = 1 << 1;

    /** The peer may read it. */
    static final int REMOTE_READ = 1 << 2;

    /** Windows may show parts of it. */
    static final int WINDOW_BIND = 1 << 4;

    /** Writes to it may be placed in any order; needs {@code ibv_reg_mr_iova2}. */
    static final int RELAXED_ORDERING = 1 << 20;

    private MemoryAccess() {}
}
