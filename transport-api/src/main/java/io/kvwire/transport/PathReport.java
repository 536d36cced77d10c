package io.kvwire.transport;

import java.util.List;
import java.util.Map;

/**
 * Which path a peer is reached over, and why.
 *
 * @param path its name, {@code tcp}, {@code rdma} or {@code pcie}
 * @param reason why this one
 * @param lanes how many lanes it has
 * @param codec the codec in use
 * @param rejected the other paths, each with the reason why it was not chosen
 * @param details what the wire has to say: addresses, devices, kernel interface, encryption
 */
public record PathReport(
        String path,
        String reason,
        int lanes,
        String codec,
        List<Rejected> rejected,
        Map<String, String> details) {

    /** Copies the collections. */
    public PathReport {
        rejected = List.copyOf(rejected);
        details = Map.copyOf(details);
    }

    /**
     * A path that was not chosen.
     *
     * @param path its name
     * @param reason why not
     */
    public record Rejected(String path, String reason) {}
}
