package io.kvwire.pcie;

import io.kvwire.ffi.Errno;
import io.kvwire.ffi.linux.ProcessReads;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Optional;

/**
 * A random number in private memory. Who is told where it lies and reads the same can read private
 * memory of this process, and reads that of no other.
 */
final class Cookie {
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final Path YAMA = Path.of("/proc/sys/kernel/yama/ptrace_scope");

    private final MemorySegment memory;

    Cookie(Arena arena) {
        memory = arena.allocateFrom(ValueLayout.JAVA_LONG, RANDOM.nextLong());
    }

    Where where() {
        return new Where(memory.address(), memory.get(ValueLayout.JAVA_LONG, 0));
    }

    /** Where another process has its cookie, and what it is. */
    record Where(long address, long value) {
        static final int BYTES = 2 * Long.BYTES;

        ByteBuffer put(ByteBuffer out) {
            return out.putLong(address).putLong(value);
        }

        static Where of(ByteBuffer in) {
            return new Where(in.getLong(), in.getLong());
        }

        /** {@return why this process cannot read private memory of another, or empty} */
        Optional<String> cannotRead(int pid) {
            if (pid <= 0) {
                return Optional.of(
                        "its process is in a PID namespace that cannot be seen from here");
            }
            try (var arena = Arena.ofConfined()) {
                var here = arena.allocate(ValueLayout.JAVA_LONG);
                var reads = new ProcessReads(arena, pid);
                reads.add(here.address(), address, Long.BYTES);
                int errno = reads.read();
                if (errno != 0) {
                    return Optional.of(why(errno));
                }
                return here.get(ValueLayout.JAVA_LONG, 0) == value
                        ? Optional.empty()
                        : Optional.of("process " + pid + " is not the one that connected");
            }
        }

        private static String why(int errno) {
            var text = "process_vm_readv: " + Errno.describe(errno);
            return switch (errno) {
                case Errno.EPERM, Errno.EACCES ->
                        text
                                + ", kernel.yama.ptrace_scope is "
                                + yama()
                                + ": set it to 0 where it is 1 or more, allow the call in the"
                                + " container's seccomp profile, or allocate from SharedArena";
                case Errno.ENOSYS -> text + ": this kernel has no CONFIG_CROSS_MEMORY_ATTACH";
                default -> text;
            };
        }

        private static String yama() {
            try {
                return Files.readString(YAMA).strip();
            } catch (IOException e) {
                return "not there";
            }
        }
    }
}
