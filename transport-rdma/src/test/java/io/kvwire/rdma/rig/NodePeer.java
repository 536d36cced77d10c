package io.kvwire.rdma.rig;

import io.kvwire.rdma.FaultyVerbs;
import io.kvwire.transport.Lease;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** The far end of {@link TransferFaults}: a node that does what each line says and answers. */
final class NodePeer {
    private final NodeEnd end;
    private final List<Lease> leases = new ArrayList<>();
    private CompletableFuture<Void> retired = CompletableFuture.completedFuture(null);

    private NodePeer(int port, String keys, String retries) {
        var options = new HashMap<>(Map.of("rdma.keys", keys, "rdma.retries", retries));
        if (keys.equals("windows")) {
            options.put("rdma.timeout", TransferFaults.PATIENT);
        } else {
            // Nor does it bear that anything is posted while the port is down: this host is not to
            // ask its device whether a quiet lane still stands, which it would after ten seconds.
            options.put("rdma.stallMillis", "600000");
        }
        end =
                new NodeEnd(
                        "peer-" + port,
                        config -> NodeEnd.listening(port).apply(config).withWireOptions(options));
    }

    /**
     * Obeys until its standard input ends.
     *
     * @param args the port to listen at, and the options rdma.keys and rdma.retries
     */
    public static void main(String[] args) throws IOException {
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        var peer = new NodePeer(Integer.parseInt(args[0]), args[1], args[2]);
        System.out.println(ProcessHandle.current().pid());
        for (var line = in.readLine(); line != null; line = in.readLine()) {
            try {
                System.out.println(peer.obey(List.of(line.split(" ", -1))));
            } catch (RuntimeException | AssertionError e) {
                System.out.println("error " + e);
            }
        }
        peer.end.close();
    }

    private String obey(List<String> words) {
        return switch (words.getFirst()) {
            case "fill" -> {
                end.fill(number(words));
                yield "filled";
            }
            case "differs" -> String.valueOf(end.differs(number(words)));
            case "table" -> HexFormat.of().formatHex(end.table((int) number(words)).encode());
            case "lease" -> {
                leases.add(end.lease(Duration.ofMillis(number(words))));
                yield String.valueOf(leases.getLast().id());
            }
            case "retire" -> {
                retired = end.cache.retire(end.table(0));
                yield "retiring";
            }
            case "retired" -> String.valueOf(retired.isDone());
            case "deregister" -> {
                retired = end.cache.deregister();
                yield "deregistering";
            }
            case "tell" -> {
                end.verbs.tell(FaultyVerbs.Key.valueOf(words.get(1)));
                yield "told";
            }
            case "withhold" -> {
                end.verbs.withholdReceives(Boolean.parseBoolean(words.get(1)));
                yield "withheld";
            }
            case "stall" -> {
                end.verbs.stall(Boolean.parseBoolean(words.get(1)));
                yield "stalled";
            }
            case "pinned" -> String.valueOf(end.node.metrics().blocksPinned());
            case "metrics" -> end.node.metrics().toString().replace('\n', ' ');
            case "injected" -> String.valueOf(end.verbs.injected());
            case "idle" -> {
                var metrics = end.node.metrics();
                yield String.valueOf(
                        metrics.peers() == 0
                                && metrics.transfersActive() == 0
                                && metrics.blocksPinned() == 0);
            }
            default -> throw new IllegalArgumentException("no such order: " + words);
        };
    }

    private static long number(List<String> words) {
        return Long.parseLong(words.get(1));
    }
}
