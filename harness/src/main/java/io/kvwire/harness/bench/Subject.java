package io.kvwire.harness.bench;

import java.util.List;
import java.util.Set;

/**
 * Something that is measured.
 *
 * @param id its name on the command line and in JSON
 * @param label its name for people
 * @param link what it moves data over; subjects of one link are compared
 * @param role whose it is
 * @param words the adapter: words of kvwire's own command line, or a script and its arguments
 * @param workloads the only workloads that it takes part in; empty for all
 */
record Subject(
        String id, String label, Link link, Role role, List<String> words, Set<String> workloads) {
    /** What data moves over. */
    enum Link {
        TCP("TCP on loopback"),
        MEMORY("shared memory"),
        FILE("files"),
        RDMA("RDMA in a virtual host");

        private final String text;

        Link(String text) {
            this.text = text;
        }

        String text() {
            return text;
        }
    }

    /** Whose a subject is. */
    enum Role {
        /** A plain C loop: what the machine gives. */
        LIMIT,
        /** Ours. */
        KVWIRE,
        /** What a user would pick instead. */
        PEER
    }

    static List<Subject> all() {
        return List.of(
                peer("limit-tcp", "C loop", Link.TCP, Role.LIMIT, "tools_peer.py", "limit", "tcp"),
                kvwire("kvwire-tcp", "kvwire tcp", Link.TCP, Set.of(), "tcp", "raw"),
                kvwire("kvwire-tcp-int8", "kvwire tcp INT8", Link.TCP, CODED, "tcp", "int8"),
                kvwire(
                        "kvwire-tcp-spin",
                        "kvwire tcp spin",
                        Link.TCP,
                        TIMED,
                        "tcp",
                        "raw",
                        "--spin"),
                peer("ucx-tcp", "UCX", Link.TCP, Role.PEER, "tools_peer.py", "ucx", "tcp"),
                peer(
                        "libfabric-tcp",
                        "libfabric",
                        Link.TCP,
                        Role.PEER,
                        "tools_peer.py",
                        "libfabric",
                        "tcp"),
                peer("nixl-tcp", "NIXL (UCX)", Link.TCP, Role.PEER, "nixl_peer.py", "tcp"),
                peer("mooncake-tcp", "Mooncake", Link.TCP, Role.PEER, "mooncake_peer.py", "tcp"),
                peer(
                        "limit-memory",
                        "C memcpy",
                        Link.MEMORY,
                        Role.LIMIT,
                        "tools_peer.py",
                        "limit",
                        "memory"),
                kvwire("kvwire-pcie", "kvwire pcie", Link.MEMORY, Set.of(), "pcie", "raw"),
                kvwire("kvwire-pcie-int8", "kvwire pcie INT8", Link.MEMORY, CODED, "pcie", "int8"),
                kvwire(
                        "kvwire-pcie-spin",
                        "kvwire pcie spin",
                        Link.MEMORY,
                        TIMED,
                        "pcie",
                        "raw",
                        "--spin"),
                peer("ucx-memory", "UCX", Link.MEMORY, Role.PEER, "tools_peer.py", "ucx", "memory"),
                peer(
                        "libfabric-memory",
                        "libfabric",
                        Link.MEMORY,
                        Role.PEER,
                        "tools_peer.py",
                        "libfabric",
                        "memory"),
                peer("nixl-memory", "NIXL (UCX)", Link.MEMORY, Role.PEER, "nixl_peer.py", "memory"),
                peer(
                        "limit-file",
                        "C file",
                        Link.FILE,
                        Role.LIMIT,
                        "tools_peer.py",
                        "limit",
                        "file"),
                kvwire("kvwire-file", "kvwire file", Link.FILE, Set.of(), "file", "raw"),
                kvwire("kvwire-file-int8", "kvwire file INT8", Link.FILE, CODED, "file", "int8"),
                peer("nixl-posix", "NIXL (POSIX)", Link.FILE, Role.PEER, "nixl_peer.py", "file"),
                peer("copy", "cp", Link.FILE, Role.PEER, "tools_peer.py", "copy", "file"),
                peer("scp", "scp", Link.FILE, Role.PEER, "tools_peer.py", "scp", "file"));
    }

    private static final Set<String> TIMED = Set.of("latency");
    private static final Set<String> CODED = Set.of("kv-blocks", "models");

    private static Subject peer(String id, String label, Link link, Role role, String... words) {
        return new Subject(id, label, link, role, List.of(words), Set.of());
    }

    private static Subject kvwire(
            String id,
            String label,
            Link link,
            Set<String> workloads,
            String path,
            String... more) {
        var words = new java.util.ArrayList<>(List.of("bench-worker", "--path", path, "--codec"));
        words.addAll(List.of(more));
        return new Subject(id, label, link, Role.KVWIRE, List.copyOf(words), workloads);
    }

    boolean takesPartIn(String workload) {
        return workloads.isEmpty() || workloads.contains(workload);
    }
}
