package io.kvwire.ffi.linux;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.kvwire.ffi.CStruct;
import io.kvwire.ffi.Errno;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Reads pieces of another process's memory into pieces of this one's, many with one call, and each
 * byte copied once ({@code process_vm_readv}).
 *
 * <p>The kernel lets a process do so that could trace the other: one of the same user, where Yama
 * and the container's filter of system calls do not forbid it. It sees addresses only: that the
 * memory on this side stays is up to the caller. Allocates nothing after construction; confined to
 * one thread.
 */
public final class ProcessReads {

    /** The most pieces of one call; the kernel takes up to 1,024 on each side. */
    public static final int MAX_PIECES = 512;

    private static final long SIZE = Structs.IOVEC.byteSize();
    private static final long BASE = CStruct.offset(Structs.IOVEC, "iov_base");
    private static final long LENGTH = CStruct.offset(Structs.IOVEC, "iov_len");

    private final int pid;
    private final MemorySegment errno;
    private final MemorySegment local;
    private final MemorySegment remote;
    private int count;
    private long bytes;

    /**
     * Makes an empty list.
     *
     * @param arena owns its memory
     * @param pid the other process, as seen from here
     */
    public ProcessReads(Arena arena, int pid) {
        this.pid = pid;
        errno = Errno.allocate(arena);
        local = arena.allocate(Structs.IOVEC, MAX_PIECES);
        remote = arena.allocate(Structs.IOVEC, MAX_PIECES);
    }

    /** {@return whether no more pieces fit} */
    public boolean full() {
        return count == MAX_PIECES;
    }

    /** {@return the bytes of all pieces that were added since the last {@link #read}} */
    public long bytes() {
        return bytes;
    }

    /** Forgets all pieces. */
    public void clear() {
        count = 0;
        bytes = 0;
    }

    /**
     * Adds a piece; one that adjoins the last on both sides makes it longer.
     *
     * @param to where it goes, in this process
     * @param from where it is, in the other
     * @param length in bytes
     */
    public void add(long to, long from, long length) {
        bytes += length;
        long last = (count - 1) * SIZE;
        if (count > 0) {
            long before = local.get(JAVA_LONG, last + LENGTH);
            if (local.get(JAVA_LONG, last + BASE) + before == to
                    && remote.get(JAVA_LONG, last + BASE) + before == from) {
                local.set(JAVA_LONG, last + LENGTH, before + length);
                remote.set(JAVA_LONG, last + LENGTH, before + length);
                return;
            }
        }
        long at = count++ * SIZE;
        local.set(JAVA_LONG, at + BASE, to);
        local.set(JAVA_LONG, at + LENGTH, length);
        remote.set(JAVA_LONG, at + BASE, from);
        remote.set(JAVA_LONG, at + LENGTH, length);
    }

    /**
     * Reads all pieces and forgets them.
     *
     * @return 0, or the error number of what failed; {@link Errno#EFAULT} also when only a part
     *     could be read
     */
    public int read() {
        if (count == 0) {
            return 0;
        }
        long pieces = count;
        long wanted = bytes;
        clear();
        try {
            while (true) {
                long got =
                        (long)
                                Libc.PROCESS_VM_READV.invokeExact(
                                        errno,
                                        pid,
                                        local.address(),
                                        pieces,
                                        remote.address(),
                                        pieces,
                                        0L);
                if (got == wanted) {
                    return 0;
                }
                if (got >= 0) {
                    return Errno.EFAULT;
                }
                if (Errno.of(errno) != Errno.EINTR) {
                    return Errno.of(errno);
                }
            }
        } catch (Throwable e) {
            throw Libc.unexpected(e);
        }
    }
}
