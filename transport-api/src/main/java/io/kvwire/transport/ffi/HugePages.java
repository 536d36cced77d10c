package io.kvwire.transport.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/**
 * Anonymous memory that asks the kernel for 2 MiB pages. The C library's own allocator gives 4 KiB
 * pages unless the whole process is started with other settings.
 *
 * <p>Thread-safe.
 */
public final class HugePages {
    /** Of x86-64, and of AArch64 with 4 KiB base pages. */
    public static final long PAGE_BYTES = 2L << 20;

    // sys/mman.h of Linux: the same numbers on x86-64 and AArch64.
    private static final int PROT_READ_WRITE = 0x1 | 0x2;
    private static final int MAP_PRIVATE_ANONYMOUS = 0x02 | 0x20;
    private static final int MADV_HUGEPAGE = 14;
    private static final long MAP_FAILED = -1;

    private HugePages() {}

    /** The functions, bound when they are first needed. */
    private record Functions(MethodHandle mmap, MethodHandle madvise, MethodHandle munmap) {
        static final Optional<Functions> BOUND = bind();

        private static Optional<Functions> bind() {
            if (!System.getProperty("os.name").equals("Linux")) {
                return Optional.empty();
            }
            try {
                return Optional.of(
                        new Functions(
                                // void *mmap(void *addr, size_t length, int prot, int flags,
                                //            int fd, off_t offset);
                                function(
                                        "mmap",
                                        FunctionDescriptor.of(
                                                ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT,
                                                JAVA_INT, JAVA_LONG)),
                                // int madvise(void *addr, size_t length, int advice);
                                function(
                                        "madvise",
                                        FunctionDescriptor.of(
                                                JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT)),
                                // int munmap(void *addr, size_t length);
                                function(
                                        "munmap",
                                        FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG))));
            } catch (IllegalCallerException | UnsupportedOperationException e) {
                return Optional.empty();
            }
        }

        @SuppressWarnings("restricted") // what an ffi package is for
        private static MethodHandle function(String name, FunctionDescriptor descriptor) {
            var linker = Linker.nativeLinker();
            var symbol =
                    linker.defaultLookup()
                            .find(name)
                            .orElseThrow(() ->
                                    new UnsupportedOperationException(
                                            "the C library has no " + name));
            return linker.downcallHandle(symbol, descriptor);
        }
    }

    /**
     * Maps zeroed memory that starts on a huge page. The kernel backs it with huge pages as far as
     * it has them, and with small ones otherwise.
     *
     * @param bytes at least 1
     * @param arena whose closing unmaps the memory
     * @return the memory; empty where such memory cannot be asked for
     */
    @SuppressWarnings("restricted") // what an ffi package is for
    public static Optional<MemorySegment> map(long bytes, Arena arena) {
        if (Functions.BOUND.isEmpty() || bytes > Long.MAX_VALUE - 2 * PAGE_BYTES) {
            return Optional.empty();
        }
        var functions = Functions.BOUND.get();
        // One page more, since a mapping starts on any small page.
        long mapped = Math.ceilDiv(bytes, PAGE_BYTES) * PAGE_BYTES + PAGE_BYTES;
        try {
            var base =
                    (MemorySegment)
                            functions.mmap.invokeExact(
                                    MemorySegment.NULL,
                                    mapped,
                                    PROT_READ_WRITE,
                                    MAP_PRIVATE_ANONYMOUS,
                                    -1,
                                    0L);
            if (base.address() == MAP_FAILED) {
                return Optional.empty();
            }
            var whole = base.reinterpret(mapped, arena, all -> unmap(functions, all, mapped));
            long skipped = -base.address() & (PAGE_BYTES - 1);
            var aligned = whole.asSlice(skipped, bytes);
            // A kernel built without huge pages refuses; the memory is as good as any other then.
            var _ = (int) functions.madvise.invokeExact(aligned, bytes, MADV_HUGEPAGE);
            return Optional.of(aligned);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError("functions of the C library throw nothing", e);
        }
    }

    private static void unmap(Functions functions, MemorySegment memory, long bytes) {
        try {
            var _ = (int) functions.munmap.invokeExact(memory, bytes);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError("munmap throws nothing", e);
        }
    }
}
