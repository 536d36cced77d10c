package io.kvwire.harness.demo;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/**
 * Two network namespaces on this machine, joined by a virtual cable: two hosts, as far as the
 * network is concerned. They share nothing with the machine's own network.
 *
 * <p>A shell removes both as soon as its input ends, which happens when this is closed and when
 * this process is gone, however it ended. Names carry the process id, so that runs side by side do
 * not meet.
 */
final class TwoHosts implements AutoCloseable {
    /** The address of the host that prefills. Nobody outside the two namespaces sees it. */
    static final String PREFILL_ADDRESS = "10.231.0.1";

    private static final String DECODE_ADDRESS = "10.231.0.2";
    private static final int SECONDS = 10;

    private final String prefill;
    private final String decode;
    private final Process janitor;

    /** Says in one line why there cannot be two hosts here. */
    static final class UnavailableException extends Exception {
        private static final long serialVersionUID = 1L;

        UnavailableException(String message) {
            super(message);
        }
    }

    private TwoHosts(String prefill, String decode, Process janitor) {
        this.prefill = prefill;
        this.decode = decode;
        this.janitor = janitor;
    }

    /**
     * Makes the two hosts.
     *
     * @return both, up and connected
     * @throws UnavailableException when this user or this machine cannot
     */
    static TwoHosts create() throws UnavailableException {
        if (!System.getProperty("os.name").toLowerCase(Locale.ROOT).startsWith("linux")) {
            throw new UnavailableException("network namespaces need Linux");
        }
        var id = Long.toString(ProcessHandle.current().pid(), 36);
        var prefill = "kvwire-" + id + "-p";
        var decode = "kvwire-" + id + "-d";
        var hosts = new TwoHosts(prefill, decode, janitor(prefill, decode));
        try {
            ip("netns", "add", prefill);
            ip("netns", "add", decode);
            ip(
                    ("link add kv0 netns " + prefill + " type veth peer name kv0 netns " + decode)
                            .split(" "));
            up(prefill, PREFILL_ADDRESS);
            up(decode, DECODE_ADDRESS);
            return hosts;
        } catch (UnavailableException | RuntimeException e) {
            hosts.close();
            throw e;
        }
    }

    private static void up(String host, String address) throws UnavailableException {
        ip("-n", host, "address", "add", address + "/24", "dev", "kv0");
        ip("-n", host, "link", "set", "lo", "up");
        ip("-n", host, "link", "set", "kv0", "up");
    }

    private static Process janitor(String prefill, String decode) throws UnavailableException {
        // Ctrl-C goes to the whole process group; whoever cleans up must not be stopped by it.
        var script =
                "trap '' INT TERM HUP; cat >/dev/null; for n in "
                        + prefill
                        + " "
                        + decode
                        + "; do ip netns pids $n | xargs -r kill -9; ip netns del $n; done";
        try {
            return new ProcessBuilder("sh", "-c", script)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
        } catch (IOException e) {
            throw new UnavailableException("no shell to clean up with: " + e.getMessage());
        }
    }

    private static void ip(String... words) throws UnavailableException {
        var command = new ArrayList<>(List.of("ip"));
        command.addAll(List.of(words));
        try {
            var process = new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            var said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (process.waitFor() != 0) {
                throw new UnavailableException(
                        "'"
                                + String.join(" ", command)
                                + "' failed ("
                                + said.lines().findFirst().orElse("no message").strip()
                                + "); it takes root");
            }
        } catch (IOException e) {
            throw new UnavailableException(
                    "the command ip is not there; install iproute2 to try two hosts");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UnavailableException("interrupted");
        }
    }

    /** {@return what to put before a command to run it on the host that prefills} */
    List<String> onPrefillHost() {
        return List.of("ip", "netns", "exec", prefill);
    }

    /** {@return what to put before a command to run it on the host that decodes} */
    List<String> onDecodeHost() {
        return List.of("ip", "netns", "exec", decode);
    }

    @Override
    public void close() {
        try {
            janitor.getOutputStream().close();
            if (!janitor.waitFor(SECONDS, TimeUnit.SECONDS)) {
                janitor.destroyForcibly();
            }
        } catch (IOException e) {
            janitor.destroyForcibly();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
