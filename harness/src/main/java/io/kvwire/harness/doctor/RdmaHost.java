package io.kvwire.harness.doctor;

import java.util.ArrayList;
import java.util.List;

/**
 * Looks over what a host has for RDMA: devices, ports, addresses, MTU, and how memory of GPUs can
 * be registered. Reads sysfs alone, as the kernel's {@code Documentation/ABI} describes it.
 */
final class RdmaHost {
    private static final String CLASS = "sys/class/infiniband/";

    /** What InfiniBand transport and the RoCE v2 headers take of a frame, in bytes. */
    private static final int HEADER_BYTES = 58;

    /** Drivers whose devices register dma-buf memory (rdma-core, {@code ibv_reg_dmabuf_mr}). */
    private static final List<String> DMA_BUF_DRIVERS = List.of("mlx5", "irdma", "efa", "mana");

    private final HostFiles host;
    private final List<Finding> findings = new ArrayList<>();

    private RdmaHost(HostFiles host) {
        this.host = host;
    }

    static List<Finding> examine(HostFiles host) {
        var rdma = new RdmaHost(host);
        var devices = host.names("sys/class/infiniband");
        rdma.findings.add(
                devices.isEmpty()
                        ? Finding.absent(
                                "RDMA devices",
                                "none in /sys/class/infiniband: no NIC or no driver; to try without"
                                        + " one: rdma link add rxe0 type rxe netdev DEVICE, or"
                                        + " kvwire rig")
                        : Finding.ok("RDMA devices", String.join(", ", devices)));
        for (var device : devices) {
            host.names(CLASS + device + "/ports").forEach(port -> rdma.port(device, port));
        }
        if (!devices.isEmpty()) {
            rdma.gpuMemory(devices);
        }
        return rdma.findings;
    }

    private void port(String device, String port) {
        var what = "port " + device + ":" + port;
        var folder = CLASS + device + "/ports/" + port;
        var state = host.text(folder + "/state").orElse("unknown").replaceFirst("^\\d+: ", "");
        var rate = host.text(folder + "/rate").orElse("unknown rate");
        var layer = host.text(folder + "/link_layer").orElse("unknown link layer");
        var detail = state + ", " + rate + ", " + layer;
        findings.add(
                state.equals("ACTIVE")
                        ? Finding.ok(what, detail)
                        : Finding.limited(
                                what, detail + ": not used; bring its link up (ip link, cable)"));
        if (layer.equals("Ethernet")) {
            addresses(what, folder);
        }
    }

    /** The addresses that RoCE v2 can use, and the MTU of the network device below them. */
    private void addresses(String what, String folder) {
        var usable = new ArrayList<String>();
        for (var index : host.names(folder + "/gid_attrs/types")) {
            var type = host.text(folder + "/gid_attrs/types/" + index).orElse("");
            var gid = host.text(folder + "/gids/" + index).orElse("");
            if (type.equals("RoCE v2") && !gid.isEmpty()) {
                usable.add(index + " " + gid);
                if (usable.size() == 1) {
                    mtu(what, folder, index);
                }
            }
        }
        findings.add(
                usable.isEmpty()
                        ? Finding.limited(
                                what + " GIDs", "none for RoCE v2: give its network an address")
                        : Finding.ok(what + " GIDs", "RoCE v2: " + String.join(", ", usable)));
    }

    private void mtu(String what, String folder, String index) {
        var network = host.text(folder + "/gid_attrs/ndevs/" + index);
        var text = network.flatMap(name -> host.text("sys/class/net/" + name + "/mtu"));
        if (text.isEmpty()) {
            return;
        }
        int bytes = Integer.parseInt(text.get());
        int path = Math.min(4096, Integer.highestOneBit(Math.max(1, bytes - HEADER_BYTES)));
        var detail = path + " bytes in the frames of " + network.get() + ", MTU " + bytes;
        findings.add(
                path == 4096
                        ? Finding.ok(what + " MTU", detail)
                        : Finding.limited(what + " MTU", detail + ": 4200 or more makes it 4096"));
    }

    private void gpuMemory(List<String> devices) {
        boolean peer =
                !host.names("sys/module/nvidia_peermem").isEmpty()
                        || !host.names("sys/kernel/mm/memory_peers").isEmpty();
        findings.add(
                peer
                        ? Finding.ok("peer memory", "the NIC can register addresses of GPUs")
                        : Finding.absent(
                                "peer memory", "no module; for NVIDIA: modprobe nvidia-peermem"));
        var able =
                devices.stream()
                        .filter(device -> DMA_BUF_DRIVERS.stream().anyMatch(device::startsWith))
                        .toList();
        findings.add(
                able.isEmpty()
                        ? Finding.absent(
                                "dma-buf",
                                "no device here whose driver registers it: "
                                        + String.join(", ", DMA_BUF_DRIVERS))
                        : Finding.ok("dma-buf", "registered by " + String.join(", ", able)));
    }
}
