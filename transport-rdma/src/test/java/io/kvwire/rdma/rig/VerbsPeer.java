package io.kvwire.rdma.rig;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** The far end of {@link VerbsFaultsTest}: does what each line says and answers with a line. */
final class VerbsPeer {
    private VerbsEnd end = new VerbsEnd();

    private VerbsPeer() {}

    /** Obeys until its standard input ends. */
    public static void main(String[] args) throws IOException {
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        var peer = new VerbsPeer();
        System.out.println(ProcessHandle.current().pid());
        for (var line = in.readLine(); line != null; line = in.readLine()) {
            try {
                System.out.println(peer.obey(List.of(line.split(" ", -1)), line));
            } catch (RuntimeException | AssertionError e) {
                System.out.println("error " + e);
            }
        }
        peer.end.close();
    }

    private String obey(List<String> words, String line) {
        return switch (words.getFirst()) {
            case "open" -> {
                end.close();
                end = new VerbsEnd();
                yield end.address().text();
            }
            case "connect" -> {
                var other = VerbsEnd.Address.parse(line.substring(line.indexOf(' ') + 1));
                end.connect(other, 7, 7);
                yield "connected";
            }
            case "fill" -> {
                end.fill(number(words));
                yield "filled";
            }
            case "differs" -> String.valueOf(end.differs(number(words)));
            case "register" -> {
                end.register((int) number(words));
                yield end.address().text();
            }
            case "receive" -> {
                end.postReceive();
                yield "posted";
            }
            default -> throw new IllegalArgumentException("no such order: " + line);
        };
    }

    private static long number(List<String> words) {
        return Long.parseLong(words.get(1));
    }
}
