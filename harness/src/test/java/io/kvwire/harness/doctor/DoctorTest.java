package io.kvwire.harness.doctor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

class DoctorTest {
    @TempDir private Path root;

    private void file(String name, String text) throws IOException {
        var file = root.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    private Map<String, Finding> examine() {
        return Doctor.examine(new HostFiles(root)).stream()
                .collect(Collectors.toMap(Finding::what, finding -> finding));
    }

    @Test
    void whatIsNotThereIsSaidToBeAbsentWithAReason() {
        var findings = examine();
        for (var what : new String[] {"RDMA devices", "NVIDIA GPUs", "libcuda.so.1", "path rdma"}) {
            assertEquals(Finding.State.ABSENT, findings.get(what).state(), what);
            assertTrue(findings.get(what).detail().length() > 5, what);
        }
    }

    @Test
    void devicesAndLibrariesAreFound() throws IOException {
        Files.createDirectories(root.resolve("sys/class/infiniband/mlx5_0"));
        file("dev/nvidia0", "");
        file("dev/nvidiactl", "");
        file("usr/lib/x86_64-linux-gnu/libibverbs.so.1", "");
        var findings = examine();
        assertEquals(Finding.ok("RDMA devices", "mlx5_0"), findings.get("RDMA devices"));
        assertEquals(Finding.ok("NVIDIA GPUs", "nvidia0"), findings.get("NVIDIA GPUs"));
        assertEquals(Finding.State.OK, findings.get("libibverbs.so.1").state());
    }

    private void port(String state, String mtu) throws IOException {
        var port = "sys/class/infiniband/rxe0/ports/1/";
        file(port + "state", state);
        file(port + "rate", "2.5 Gb/sec (1X SDR)\n");
        file(port + "link_layer", "Ethernet\n");
        file(port + "gid_attrs/types/0", "IB/RoCE v1\n");
        file(port + "gid_attrs/types/1", "RoCE v2\n");
        file(port + "gid_attrs/ndevs/1", "eth0\n");
        file(port + "gids/1", "0000:0000:0000:0000:0000:ffff:0a09:0001\n");
        file("sys/class/net/eth0/mtu", mtu);
    }

    @Test
    void aPortIsExplainedWithAddressAndMtu() throws IOException {
        port("4: ACTIVE\n", "4200\n");
        var findings = examine();
        assertEquals(Finding.State.OK, findings.get("port rxe0:1").state());
        var gids = findings.get("port rxe0:1 GIDs").detail();
        assertEquals("RoCE v2: 1 0000:0000:0000:0000:0000:ffff:0a09:0001", gids);
        assertTrue(findings.get("port rxe0:1 MTU").detail().startsWith("4096 bytes"));
        assertEquals(Finding.State.ABSENT, findings.get("dma-buf").state());
        assertTrue(findings.get("peer memory").detail().contains("nvidia-peermem"));
    }

    @Test
    void aPortThatIsDownOrHasSmallFramesIsLimited() throws IOException {
        port("1: DOWN\n", "1500\n");
        var findings = examine();
        assertEquals(Finding.State.LIMITED, findings.get("port rxe0:1").state());
        assertEquals(Finding.State.LIMITED, findings.get("port rxe0:1 MTU").state());
        assertTrue(findings.get("port rxe0:1 MTU").detail().startsWith("1024 bytes"));
    }

    @Test
    void limitsThatHoldBackAreNamedWithARemedy() throws IOException {
        file("sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]");
        file("proc/self/limits", "Max locked memory         8388608      8388608      bytes\n");
        file("proc/sys/net/core/rmem_max", "212992\n");
        file("proc/sys/net/core/wmem_max", "8388608\n");
        var findings = examine();
        assertEquals(Finding.State.LIMITED, findings.get("locked memory").state());
        assertTrue(findings.get("locked memory").detail().contains("ulimit"));
        assertEquals(Finding.State.LIMITED, findings.get("net.core.rmem_max").state());
        assertEquals(Finding.State.OK, findings.get("net.core.wmem_max").state());
    }

    @Test
    void everyWireIsFoundOnceAndTheRealHostHasTcp() {
        var findings = Doctor.examine(new HostFiles(Path.of("/")));
        assertEquals(
                List.of("path pcie", "path rdma", "path tcp"),
                findings.stream()
                        .map(Finding::what)
                        .filter(what -> what.startsWith("path "))
                        .sorted()
                        .toList());
        assertTrue(
                findings.stream()
                        .anyMatch(finding ->
                                finding.what().equals("path tcp")
                                        && finding.state() == Finding.State.OK));
    }
}
