package io.kvwire.harness.doctor;

import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.spi.Wires;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Looks a host over. Reads only; confined to one thread. */
final class Doctor {
    private static final long GOOD_SOCKET_BUFFER = 4 << 20;

    /** Modules that call native functions, ours and those of libraries. */
    private static final List<String> NATIVE_MODULES =
            List.of(
                    "io.kvwire.transport",
                    "io.kvwire.ffi",
                    "io.kvwire.codec",
                    "io.kvwire.tcp",
                    "io.kvwire.harness",
                    "io.netty.common",
                    "org.lz4.java",
                    "ai.djl.tokenizers");

    private final HostFiles host;
    private final List<Finding> findings = new ArrayList<>();

    private Doctor(HostFiles host) {
        this.host = host;
    }

    static List<Finding> examine(HostFiles host) {
        var doctor = new Doctor(host);
        doctor.machine();
        doctor.java();
        doctor.tcp();
        doctor.rdma();
        doctor.devices();
        doctor.namespaces();
        doctor.paths();
        return List.copyOf(doctor.findings);
    }

    private void machine() {
        int cores = Runtime.getRuntime().availableProcessors();
        findings.add(
                cores > 1
                        ? Finding.ok("cores", cores + " for this process")
                        : Finding.limited(
                                "cores", "1: sending and computing will take turns; give it more"));
        host.text("proc/meminfo")
                .ifPresent(text -> findings.add(Finding.ok("memory", field(text, "MemTotal:"))));
        var lock =
                host.text("proc/self/limits")
                        .map(text -> field(text, "Max locked memory"))
                        .map(line -> line.replaceFirst("\\s.*", ""));
        lock.ifPresent(limit ->
                findings.add(
                        limit.equals("unlimited")
                                ? Finding.ok("locked memory", "unlimited")
                                : Finding.limited(
                                        "locked memory",
                                        limit
                                                + " bytes: enough for TCP; RDMA registers"
                                                + " whole caches, raise it with ulimit -l"
                                                + " unlimited")));
        var huge = host.text("proc/sys/vm/nr_hugepages").orElse("0");
        findings.add(
                huge.equals("0")
                        ? Finding.absent(
                                "huge pages",
                                "none reserved; sysctl vm.nr_hugepages=N reserves some")
                        : Finding.ok("huge pages", huge + " reserved"));
        host.text("sys/kernel/mm/transparent_hugepage/enabled")
                .ifPresent(choice -> findings.add(transparentHugePages(choice)));
        long nodes =
                host.names("sys/devices/system/node").stream()
                        .filter(name -> name.matches("node\\d+"))
                        .count();
        findings.add(Finding.ok("NUMA", Math.max(1, nodes) + " nodes"));
    }

    /** What the kernel chose of "always [madvise] never", as its choice is written. */
    private static Finding transparentHugePages(String choice) {
        return choice.contains("[never]")
                ? Finding.limited(
                        "transparent huge pages",
                        "never: caches lie in small pages, which slows scattered blocks; write"
                                + " madvise to /sys/kernel/mm/transparent_hugepage/enabled")
                : Finding.ok(
                        "transparent huge pages",
                        choice.contains("[always]") ? "always" : "for caches, which ask for them");
    }

    private static String field(String text, String name) {
        return text.lines()
                .filter(line -> line.startsWith(name))
                .map(line -> line.substring(name.length()).strip())
                .findFirst()
                .orElse("unknown");
    }

    private void java() {
        findings.add(
                Finding.ok(
                        "Java",
                        Runtime.version() + " (" + System.getProperty("java.vm.vendor") + ")"));
        findings.add(
                ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent()
                        ? Finding.ok("Vector API", "on")
                        : Finding.limited(
                                "Vector API",
                                "off: the model computes without it; add"
                                        + " --add-modules jdk.incubator.vector"));
        findings.add(nativeAccess());
    }

    /** On the class path one flag is for all; on the module path each module has to be named. */
    private static Finding nativeAccess() {
        var own = Doctor.class.getModule();
        var without =
                (own.isNamed() ? NATIVE_MODULES.stream() : Stream.<String>empty())
                        .flatMap(name -> ModuleLayer.boot().findModule(name).stream())
                        .filter(module -> !module.isNativeAccessEnabled())
                        .map(Module::getName)
                        .toList();
        if (without.isEmpty() && own.isNativeAccessEnabled()) {
            return Finding.ok("native access", "enabled");
        }
        return Finding.limited(
                "native access",
                "not enabled: add --enable-native-access="
                        + (own.isNamed() ? String.join(",", without) : "ALL-UNNAMED"));
    }

    private void tcp() {
        for (var name : List.of("rmem_max", "wmem_max")) {
            host.text("proc/sys/net/core/" + name)
                    .ifPresent(value ->
                            findings.add(
                                    Long.parseLong(value) >= GOOD_SOCKET_BUFFER
                                            ? Finding.ok("net.core." + name, value)
                                            : Finding.limited(
                                                    "net.core." + name,
                                                    value
                                                            + " bytes: on long or fast links"
                                                            + " raise it to "
                                                            + GOOD_SOCKET_BUFFER)));
        }
        for (var name : List.of("tcp_rmem", "tcp_wmem", "tcp_congestion_control")) {
            host.text("proc/sys/net/ipv4/" + name)
                    .ifPresent(value ->
                            findings.add(
                                    Finding.ok("net.ipv4." + name, value.replaceAll("\\s+", " "))));
        }
        host.text("proc/sys/net/core/somaxconn")
                .ifPresent(value -> findings.add(Finding.ok("net.core.somaxconn", value)));
        for (var device : host.names("sys/class/net")) {
            var mtu = host.text("sys/class/net/" + device + "/mtu").orElse("unknown");
            findings.add(Finding.ok("network " + device, "MTU " + mtu));
        }
    }

    private void rdma() {
        findings.addAll(RdmaHost.examine(host));
        library("libibverbs.so.1", "install rdma-core's user-space libraries");
    }

    private void devices() {
        var nvidia = host.names("dev").stream().filter(name -> name.matches("nvidia\\d+")).toList();
        findings.add(
                nvidia.isEmpty()
                        ? Finding.absent("NVIDIA GPUs", "no /dev/nvidia*: no GPU or no driver")
                        : Finding.ok("NVIDIA GPUs", String.join(", ", nvidia)));
        var render = host.names("dev/dri");
        findings.add(
                render.isEmpty()
                        ? Finding.absent("render devices", "no /dev/dri: no Intel or AMD GPU")
                        : Finding.ok("render devices", String.join(", ", render)));
        library("libcuda.so.1", "comes with NVIDIA's driver");
        library("libOpenCL.so.1", "install an OpenCL loader, such as ocl-icd");
        library("libze_loader.so.1", "install the Level Zero loader");
    }

    private void library(String name, String remedy) {
        findings.add(
                host.library(name)
                        .map(folder -> Finding.ok(name, "in /" + folder))
                        .orElseGet(() -> Finding.absent(name, "not found; " + remedy)));
    }

    private void namespaces() {
        Optional<String> most = host.text("proc/sys/user/max_net_namespaces");
        boolean allowed = most.map(value -> !value.equals("0")).orElse(false);
        boolean root = "root".equals(System.getProperty("user.name"));
        findings.add(
                !allowed
                        ? Finding.absent("network namespaces", "the kernel allows none")
                        : root
                                ? Finding.ok("network namespaces", "allowed: demo runs two hosts")
                                : Finding.limited(
                                        "network namespaces",
                                        "need root: without, demo leaves out its two hosts"));
    }

    private void paths() {
        var config = NodeConfig.named("doctor").connectOnly();
        for (var provider : Wires.discovered().paths()) {
            findings.add(
                    provider.unavailable(config)
                            .map(why -> Finding.absent("path " + provider.name(), why))
                            .orElseGet(() -> Finding.ok("path " + provider.name(), "can be used")));
        }
    }
}
