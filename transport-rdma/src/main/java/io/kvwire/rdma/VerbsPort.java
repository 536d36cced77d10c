package io.kvwire.rdma;

import java.util.List;

/**
 * A port of an RDMA device.
 *
 * @param device the device's name
 * @param number from 1
 * @param active whether it is up
 * @param ethernet whether its link layer is Ethernet (RoCE) and not InfiniBand
 * @param lid the local identifier, which InfiniBand routes by; 0 on Ethernet
 * @param activeMtuBytes the path MTU that the port allows
 * @param gids its addresses
 */
record VerbsPort(
        String device,
        int number,
        boolean active,
        boolean ethernet,
        int lid,
        int activeMtuBytes,
        List<Gid> gids) {
    VerbsPort {
        gids = List.copyOf(gids);
    }

    /** {@return the port as people name it} */
    String label() {
        return device + ":" + number;
    }
}
