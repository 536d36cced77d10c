package io.kvwire.rdma.rig;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Faults of the cable between the two hosts, and the counters that show that they happened. */
final class Faults {
    private static final String DEVICE = "eth0";
    private static final String FOLDER = "/sys/class/infiniband/rxe0/ports/1/hw_counters/";

    private Faults() {}

    /** A fault of this host's end of the cable, for what it sends; gone when closed. */
    static AutoCloseable netem(String what) {
        var command = List.of("sh", "-c", "tc qdisc add dev " + DEVICE + " root netem " + what);
        here(command);
        return () -> here(List.of("tc", "qdisc", "del", "dev", DEVICE, "root"));
    }

    /** {@return what this host holds of its RDMA device} */
    static String held() {
        return resources("show", "rxe0");
    }

    /**
     * {@return the queue pairs of both hosts: what one has sent (sq-psn) and the other not received
     * (rq-psn) is still under way, or lost for good}
     */
    static List<String> queuePairs() {
        var all = new ArrayList<>(List.of(resources("show", "qp", "link", "rxe0")));
        all.addAll(OtherHost.run("rdma resource show qp link rxe0"));
        return all;
    }

    private static String resources(String... words) {
        var command = new ArrayList<>(List.of("rdma", "resource"));
        command.addAll(List.of(words));
        try {
            var process = new ProcessBuilder(command).redirectErrorStream(true).start();
            var text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (process.waitFor() != 0) {
                throw new AssertionError("rdma resource show: " + text);
            }
            return text.strip();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted", e);
        }
    }

    /** Pulls the cable at the other host, and puts it in again after some seconds. */
    static void pullCable(int seconds) {
        OtherHost.run(
                "ip link set %s down; sleep %d; ip link set %s up"
                        .formatted(DEVICE, seconds, DEVICE));
    }

    private static void here(List<String> command) {
        try {
            var process = new ProcessBuilder(command).inheritIO().start();
            if (process.waitFor() != 0) {
                throw new AssertionError(command + " failed with " + process.exitValue());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted during " + command, e);
        }
    }

    /** Both hosts' counters of the RDMA device at one time. */
    record Counters(Map<String, Long> here, Map<String, Long> there) {
        static Counters now() {
            var here = new TreeMap<String, Long>();
            try (var files = Files.list(Path.of(FOLDER))) {
                for (var file : files.toList()) {
                    here.put(
                            file.getFileName().toString(),
                            Long.parseLong(Files.readString(file).strip()));
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            var there = new TreeMap<String, Long>();
            for (var line : OtherHost.run("cd " + FOLDER + " && grep -H . *")) {
                int colon = line.indexOf(':');
                there.put(line.substring(0, colon), Long.parseLong(line.substring(colon + 1)));
            }
            return new Counters(here, there);
        }

        /** {@return the packets that have arrived at the other host since} */
        long arrivedThere(Counters before) {
            return there.get("rcvd_pkts") - before.there.get("rcvd_pkts");
        }

        /** {@return whether one of the counters, at either host, is higher than it was} */
        boolean risen(Counters before, String... names) {
            return List.of(names).stream()
                    .anyMatch(name ->
                            here.getOrDefault(name, 0L) > before.here.getOrDefault(name, 0L)
                                    || there.getOrDefault(name, 0L)
                                            > before.there.getOrDefault(name, 0L));
        }

        /** Fails unless one of the counters, at either host, has risen since. */
        void assertRise(String... names) {
            var now = now();
            if (now.risen(this, names)) {
                return;
            }
            throw new AssertionError(
                    "none of "
                            + List.of(names)
                            + " rose, so the fault was not injected: from "
                            + this
                            + " to "
                            + now);
        }
    }
}
