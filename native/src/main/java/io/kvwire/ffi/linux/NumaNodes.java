package io.kvwire.ffi.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.kvwire.ffi.Errno;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * The NUMA nodes of this host: which there are, which one a thread or a device is at, and where the
 * kernel takes the pages of memory from. Stateless.
 */
public final class NumaNodes {
    private static final Path ONLINE = Path.of("/sys/devices/system/node/online");
    private static final Path PCI = Path.of("/sys/bus/pci/devices");
    private static final Pattern COMMA = Pattern.compile(",");

    /** The kernel's own bound, and so of the masks that it takes. */
    private static final int MOST_NODES = 1024;

    private NumaNodes() {}

    /** {@return the numbers of the nodes; 0 alone where the kernel does not say} */
    public static List<Integer> online() {
        return parse(read(ONLINE));
    }

    /** Reads a list such as {@code 0-1,3}. */
    static List<Integer> parse(String list) {
        try {
            var nodes =
                    COMMA.splitAsStream(list.strip())
                            .filter(part -> !part.isEmpty())
                            .flatMapToInt(NumaNodes::range)
                            .boxed()
                            .toList();
            return nodes.isEmpty() ? List.of(0) : nodes;
        } catch (NumberFormatException _) {
            return List.of(0);
        }
    }

    private static IntStream range(String part) {
        int dash = part.indexOf('-');
        int first = Integer.parseInt(dash < 0 ? part : part.substring(0, dash));
        int last = dash < 0 ? first : Integer.parseInt(part.substring(dash + 1));
        return IntStream.rangeClosed(first, Math.min(last, MOST_NODES - 1));
    }

    /** {@return the node of the processor that the calling thread runs on now} */
    public static OptionalInt ofThisThread() {
        try (var arena = Arena.ofConfined()) {
            var errno = Errno.allocate(arena);
            var node = arena.allocate(JAVA_INT);
            return call(errno, Constants.SYS_getcpu, 0, node.address(), 0, 0, 0, 0) == 0
                    ? OptionalInt.of(node.get(JAVA_INT, 0))
                    : OptionalInt.empty();
        }
    }

    /**
     * {@return the node that a device is at; empty when the host has no such device or does not
     * say}
     *
     * @param address domain, bus, device and function: {@code 0000:3b:00.0}
     */
    public static OptionalInt ofPciDevice(String address) {
        var known = address.toLowerCase(Locale.ROOT);
        if (!known.matches("[0-9a-f:.]+")) {
            return OptionalInt.empty();
        }
        try {
            int node = Integer.parseInt(read(PCI.resolve(known).resolve("numa_node")).strip());
            return node < 0 ? OptionalInt.empty() : OptionalInt.of(node);
        } catch (NumberFormatException _) {
            return OptionalInt.empty();
        }
    }

    /**
     * {@return the node that the first page of memory is on; empty when this process may not ask}
     *
     * @param memory mapped, and touched before
     */
    public static OptionalInt of(MemorySegment memory) {
        try (var arena = Arena.ofConfined()) {
            var errno = Errno.allocate(arena);
            var node = arena.allocate(JAVA_INT);
            long flags = Constants.MPOL_F_NODE | Constants.MPOL_F_ADDR;
            long status =
                    call(
                            errno,
                            Constants.SYS_get_mempolicy,
                            node.address(),
                            0,
                            0,
                            memory.address(),
                            flags,
                            0);
            return status == 0 ? OptionalInt.of(node.get(JAVA_INT, 0)) : OptionalInt.empty();
        }
    }

    /**
     * Has the pages of a mapping taken from a node, as far as it has any left.
     *
     * @param mapping which starts at a page; pages that were touched stay where they are
     * @param node one that is online
     * @return why the kernel did not, such as a container's seccomp filter; empty when it did
     */
    public static Optional<String> prefer(MemorySegment mapping, int node) {
        if (node < 0 || node >= MOST_NODES) {
            return Optional.of("there is no NUMA node " + node);
        }
        try (var arena = Arena.ofConfined()) {
            var errno = Errno.allocate(arena);
            var mask = arena.allocate(JAVA_LONG, MOST_NODES / Long.SIZE);
            mask.setAtIndex(JAVA_LONG, node / Long.SIZE, 1L << (node % Long.SIZE));
            long status =
                    call(
                            errno,
                            Constants.SYS_mbind,
                            mapping.address(),
                            mapping.byteSize(),
                            Constants.MPOL_PREFERRED,
                            mask.address(),
                            MOST_NODES + 1L, // of which the kernel leaves out the last
                            0);
            return status == 0
                    ? Optional.empty()
                    : Optional.of("mbind: " + Errno.describe(Errno.of(errno)));
        }
    }

    private static long call(
            MemorySegment errno, long number, long a, long b, long c, long d, long e, long f) {
        try {
            return (long) Libc.SYSCALL.invokeExact(errno, number, a, b, c, d, e, f);
        } catch (Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException _) {
            return "";
        }
    }
}
