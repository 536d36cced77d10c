package io.kvwire.ffi.linux;

import io.kvwire.ffi.Errno;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A file in memory without a name ({@code memfd}), which lives as long as a process has it open or
 * mapped. Sealed, its length is fixed for good, so that nobody who maps it can be hit by a
 * truncation.
 *
 * <p>Thread-safe, except that {@link #close} must not run beside another call.
 */
public final class MemoryFile implements AutoCloseable {

    private final int descriptor;
    private boolean closed;

    private MemoryFile(int descriptor) {
        this.descriptor = descriptor;
    }

    /** What a file's memory is made of. */
    public enum Pages {
        /** Pages of the processor's base size; the kernel may join them where it is told to. */
        BASE,
        /** Pages of 2 MiB from the pool that the administrator has set aside. */
        HUGE
    }

    /**
     * Makes a file.
     *
     * @param name for people who look into /proc; need not be the only one
     * @param bytes its length; a multiple of 2 MiB for huge pages
     * @param pages what it is made of
     * @return the file, open here, its length set and not sealed yet; its memory is taken by {@link
     *     #reserve} or {@link #populate}, or by whoever touches it
     * @throws TransferException when there is no memory, no descriptor, or the kernel has none
     */
    public static MemoryFile create(String name, long bytes, Pages pages) {
        int flags = Constants.MFD_CLOEXEC | Constants.MFD_ALLOW_SEALING;
        if (pages == Pages.HUGE) {
            flags |= Constants.MFD_HUGETLB | Constants.MFD_HUGE_2MB;
        }
        try (var arena = Arena.ofConfined()) {
            var errno = Errno.allocate(arena);
            var text = arena.allocateFrom(name);
            int descriptor = (int) Libc.MEMFD_CREATE.invokeExact(errno, text, flags);
            if (descriptor < 0) {
                throw Errno.failure(
                        "memfd_create",
                        Errno.of(errno),
                        "Check the limit of open files (ulimit -n)");
            }
            if ((int) Libc.FTRUNCATE.invokeExact(errno, descriptor, bytes) != 0) {
                int why = Errno.of(errno);
                Descriptors.close(descriptor);
                throw Errno.failure("ftruncate to " + bytes + " bytes", why, "");
            }
            return new MemoryFile(descriptor);
        } catch (Throwable e) {
            throw Libc.unexpected(e);
        }
    }

    /**
     * Takes the memory at once: what is not there is an error now, and not a signal to whoever
     * touches the page that was one too many.
     *
     * @throws TransferException when there is too little memory
     */
    public void reserve() {
        long bytes = bytes();
        try (var arena = Arena.ofConfined()) {
            int why = reserve(Errno.allocate(arena), descriptor, bytes);
            if (why != 0) {
                throw tooLittle("fallocate", bytes, why);
            }
        } catch (Throwable e) {
            throw Libc.unexpected(e);
        }
    }

    private static TransferException tooLittle(String call, long bytes, int why) {
        return Errno.failure(
                call + " of " + bytes + " bytes of shared memory",
                why,
                "Take less, or raise the limit of this container's memory");
    }

    /**
     * Takes the memory of a mapping at once, in pages as large as the kernel was {@linkplain
     * #adviseHugePages advised} to use, and has them mapped, so that nobody who writes to it waits
     * for the kernel.
     *
     * @param mapping as {@link #map} gave it, to be written
     * @return false when this kernel (before 5.14) cannot
     * @throws TransferException when there is too little memory
     */
    public static boolean populate(MemorySegment mapping) {
        try (var calls = Arena.ofConfined()) {
            var errno = Errno.allocate(calls);
            int advice = Constants.MADV_POPULATE_WRITE;
            while ((int)
                            Libc.MADVISE.invokeExact(
                                    errno, mapping.address(), mapping.byteSize(), advice)
                    != 0) {
                int why = Errno.of(errno);
                if (why == Errno.EINVAL) {
                    return false;
                }
                if (why != Errno.EINTR) {
                    throw tooLittle("madvise", mapping.byteSize(), why);
                }
            }
            return true;
        } catch (Throwable e) {
            throw Libc.unexpected(e);
        }
    }

    private static int reserve(MemorySegment errno, int descriptor, long bytes) throws Throwable {
        while ((int) Libc.FALLOCATE.invokeExact(errno, descriptor, 0, 0L, bytes) != 0) {
            int why = Errno.of(errno);
            if (why != Errno.EINTR) {
                return why == Errno.EOPNOTSUPP ? 0 : why;
            }
        }
        return 0;
    }

    /**
     * Takes over the descriptor of a file that another process made and handed over.
     *
     * @param descriptor an open one; closed with this object
     * @return the file
     */
    public static MemoryFile adopt(int descriptor) {
        return new MemoryFile(descriptor);
    }

    /** {@return the descriptor, to be handed to another process} */
    public int descriptor() {
        return descriptor;
    }

    /** Fixes the length for good: nobody can truncate or grow the file any more. */
    public void sealLength() {
        seal(Constants.F_SEAL_SHRINK | Constants.F_SEAL_GROW);
    }

    /**
     * Lets nobody write any more but through the mappings that there are.
     *
     * @return false when this kernel (before 5.1) has no such seal
     */
    public boolean sealFutureWrites() {
        try {
            seal(Constants.F_SEAL_FUTURE_WRITE);
            return true;
        } catch (TransferException e) {
            if (e.code() == ErrorCode.OUT_OF_RANGE) {
                return false;
            }
            throw e;
        }
    }

    /** Lets nobody seal any further. */
    public void sealSeals() {
        seal(Constants.F_SEAL_SEAL);
    }

    /** {@return whether the length is fixed for good} */
    public boolean lengthSealed() {
        int both = Constants.F_SEAL_SHRINK | Constants.F_SEAL_GROW;
        return (fcntl(Constants.F_GET_SEALS, 0, "Only a memory file can be shared") & both) == both;
    }

    private void seal(int seals) {
        fcntl(Constants.F_ADD_SEALS, seals, "");
    }

    private int fcntl(int command, int argument, String advice) {
        try (var arena = Arena.ofConfined()) {
            var errno = Errno.allocate(arena);
            int result = (int) Libc.FCNTL.invokeExact(errno, descriptor, command, argument);
            if (result < 0) {
                throw Errno.failure("fcntl of a memory file", Errno.of(errno), advice);
            }
            return result;
        } catch (Throwable e) {
            throw Libc.unexpected(e);
        }
    }

    /** {@return the length of the file} */
    public long bytes() {
        try (var arena = Arena.ofConfined()) {
            var errno = Errno.allocate(arena);
            long end = (long) Libc.LSEEK.invokeExact(errno, descriptor, 0L, Constants.SEEK_END);
            if (end < 0) {
                throw Errno.failure("lseek of a memory file", Errno.of(errno), "");
            }
            return end;
        } catch (Throwable e) {
            throw Libc.unexpected(e);
        }
    }

    /**
     * Tries to change the length, which a sealed file refuses.
     *
     * @param bytes the new length
     * @throws TransferException with {@link ErrorCode#ACCESS_DENIED} when the length is sealed
     */
    public void truncate(long bytes) {
        try (var arena = Arena.ofConfined()) {
            var errno = Errno.allocate(arena);
            if ((int) Libc.FTRUNCATE.invokeExact(errno, descriptor, bytes) != 0) {
                throw Errno.failure(
                        "ftruncate to " + bytes + " bytes",
                        Errno.of(errno),
                        "The length of shared memory is sealed");
            }
        } catch (Throwable e) {
            throw Libc.unexpected(e);
        }
    }

    /**
     * Maps the file from its start.
     *
     * @param arena unmaps it when it closes
     * @param bytes how much; the caller has seen that the file is as long and sealed
     * @param writable whether the mapping can be written to
     * @return the mapping; read-only unless writable
     * @throws TransferException when there is no memory, or writing is sealed off
     */
    @SuppressWarnings("restricted") // what an ffi package is for
    public MemorySegment map(Arena arena, long bytes, boolean writable) {
        int protection = Constants.PROT_READ | (writable ? Constants.PROT_WRITE : 0);
        try (var calls = Arena.ofConfined()) {
            var errno = Errno.allocate(calls);
            long address =
                    (long)
                            Libc.MMAP.invokeExact(
                                    errno,
                                    0L,
                                    bytes,
                                    protection,
                                    Constants.MAP_SHARED,
                                    descriptor,
                                    0L);
            if (address == -1) {
                throw Errno.failure(
                        "mmap of " + bytes + " bytes of shared memory", Errno.of(errno), "");
            }
            var mapped =
                    MemorySegment.ofAddress(address)
                            .reinterpret(bytes, arena, gone -> unmap(gone.address(), bytes));
            return writable ? mapped : mapped.asReadOnly();
        } catch (Throwable e) {
            throw Libc.unexpected(e);
        }
    }

    private static void unmap(long address, long bytes) {
        try (var calls = Arena.ofConfined()) {
            var errno = Errno.allocate(calls);
            var _ = (int) Libc.MUNMAP.invokeExact(errno, address, bytes);
        } catch (Throwable e) {
            throw Libc.unexpected(e);
        }
    }

    /**
     * Asks the kernel to back a mapping by huge pages where it can.
     *
     * @param mapping as {@link #map} gave it
     * @return whether it took the advice; it may still not follow it
     */
    public static boolean adviseHugePages(MemorySegment mapping) {
        try (var calls = Arena.ofConfined()) {
            var errno = Errno.allocate(calls);
            return (int)
                            Libc.MADVISE.invokeExact(
                                    errno,
                                    mapping.address(),
                                    mapping.byteSize(),
                                    Constants.MADV_HUGEPAGE)
                    == 0;
        } catch (Throwable e) {
            throw Libc.unexpected(e);
        }
    }

    /** Closes the descriptor; mappings stay. A second call does nothing. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            Descriptors.close(descriptor);
        }
    }
}
