package io.kvwire.ffi.verbs;

/** What a memory region, a window or a queue pair allows: bits of {@code enum ibv_access_flags}. */
public final class AccessFlags {

    /** The device may write, as it does when it receives or reads from a peer. */
    public static final int LOCAL_WRITE = 1;

    /** Peers may write; needs {@link #LOCAL_WRITE}. */
    public static final int REMOTE_WRITE = 1 << 1;

    /** Peers may read. */
    public static final int REMOTE_READ = 1 << 2;

    /** Windows may be bound to the region. */
    public static final int WINDOW_BIND = 1 << 4;

    /**
     * The device may write bytes in any order, which is faster on many hosts. Then only a
     * completion says that all of them are there. Ignored by devices that have no choice.
     */
    public static final int RELAXED_ORDERING = 1 << 20;

    /** Flags from this bit on are hints that older kernels and libraries do not know. */
    static final int OPTIONAL = 0x3ff0_0000;

    private AccessFlags() {}
}
