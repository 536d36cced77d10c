package io.kvwire.pcie;

import io.kvwire.ffi.linux.BulkCopy;

import java.util.LinkedHashMap;
import java.util.Map;

/** What a link says of itself in the path report. */
final class LinkDetails {
    private LinkDetails() {}

    /**
     * {@return the details, by name}
     *
     * @param path of the link
     * @param link that is up
     * @param lane any of its lanes: what is said of the peer is the same for all
     */
    static Map<String, String> of(PcieDataPath path, PcieLink link, LaneParts lane) {
        var details = new LinkedHashMap<String, String>();
        details.put(
                "host",
                "this one, and user "
                        + lane.peer().uid()
                        + ": proven by the kernel's credentials of process "
                        + lane.peer().pid());
        details.put("sharedMemory", path.sharing());
        details.put(
                "privateMemory",
                lane.peerCannotRead()
                        .map(why -> "copied through a ring of each lane: " + why)
                        .orElse("read by the peer with one copy (process_vm_readv)"));
        details.put(
                "copies",
                BulkCopy.unavailable()
                        .map(why -> "by the JVM: " + why)
                        .orElse("in C, past the caches"));
        path.ofDevices().describe(link).ifPresent(how -> details.put("deviceMemory", how));
        details.put("doorbell", "eventfd, after " + spinning(path.options()));
        path.pace()
                .ifPresent(pace ->
                        details.put("bytesPerSecond", String.valueOf(pace.bytesPerSecond())));
        return details;
    }

    private static String spinning(PcieOptions options) {
        var spinning = "spinning for " + options.spinNanos() / 1000 + " microseconds";
        return options.staysAwake()
                ? spinning + "; one lane stays awake, while a quarter of the cores suffice for that"
                : spinning;
    }
}
