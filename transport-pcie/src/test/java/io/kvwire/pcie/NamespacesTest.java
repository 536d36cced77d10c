package io.kvwire.pcie;

import static io.kvwire.pcie.BothEnds.assertDone;
import static io.kvwire.pcie.BothEnds.assertMovesBothWays;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kvwire.ffi.linux.Credentials;
import io.kvwire.ffi.linux.Linux;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletionException;

/**
 * Processes in namespaces of their own, as containers have: network, mounts, processes. They reach
 * each other over a pair of virtual interfaces that the test makes and takes away.
 */
@Timeout(90)
class NamespacesTest {
    private static final String HERE = "10.213.77.1";
    private static final String THERE = "10.213.77.2";

    @TempDir private Path directory;
    private final String id = Long.toString(ProcessHandle.current().pid(), Character.MAX_RADIX);
    private final String namespace = "kvwire-" + id;

    @BeforeEach
    void makeNamespace() {
        assumeTrue(Linux.unavailable().isEmpty(), () -> Linux.unavailable().orElseThrow());
        assumeTrue(Credentials.ownUser() == 0, "needs root, to make namespaces");
        assumeTrue(
                succeeds("unshare", "--mount", "--pid", "--fork", "true"),
                "unshare (util-linux) may not make mount and PID namespaces here");
        assumeTrue(
                succeeds("ip", "netns", "add", namespace),
                "ip (iproute2) may not make network namespaces here");
        var outside = "kvw" + id;
        assumeTrue(
                succeeds(
                        "ip", "link", "add", outside, "type", "veth", "peer", "name", "inside",
                        "netns", namespace),
                "ip (iproute2) may not make virtual interfaces here");
        run("ip", "addr", "add", HERE + "/30", "dev", outside);
        run("ip", "link", "set", outside, "up");
        run("ip", "-n", namespace, "addr", "add", THERE + "/30", "dev", "inside");
        run("ip", "-n", namespace, "link", "set", "inside", "up");
        run("ip", "-n", namespace, "link", "set", "lo", "up");
    }

    @AfterEach
    void deleteNamespace() {
        succeeds("ip", "link", "del", "kvw" + id);
        succeeds("ip", "netns", "del", namespace);
    }

    private static boolean succeeds(String... command) {
        try {
            return new ProcessBuilder(command)
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted", e);
        }
    }

    private static void run(String... command) {
        assertTrue(succeeds(command), () -> String.join(" ", command));
    }

    /** As a container: its own network, its own processes, and what the script makes of mounts. */
    private OtherProcess contained(String script) {
        var prefix =
                List.of(
                        "ip",
                        "netns",
                        "exec",
                        namespace,
                        "unshare",
                        "--mount",
                        "--pid",
                        "--fork",
                        "--kill-child",
                        "--mount-proc",
                        "sh",
                        "-c",
                        script + "exec \"$@\"",
                        "sh");
        return OtherProcess.startWith(prefix, "there", directory, "shared", THERE);
    }

    @Test
    void containersThatShareTheDirectoryUseSharedMemory() {
        try (var there = contained("");
                var here = new Neighbour("here", directory, true)) {
            var peer = here.connect(there.address());
            var report = peer.path();
            assertEquals("pcie", report.path());
            assertMovesBothWays(here, peer, there);
        }
    }

    @Test
    void privateMemoryOfAnotherContainerGoesThroughTheRingAndTheReportSaysWhy() {
        try (var there = contained("");
                var here = new Neighbour("here", directory, false)) {
            var peer = here.connect(there.address());
            var how = peer.path().details().get("privateMemory");
            assertTrue(how.contains("through a ring") && how.contains("PID namespace"), how);
            here.fill(7);
            assertDone(here.write(peer, there.table()));
            assertEquals("true", there.ask("holds 7"));
        }
    }

    @Test
    void aContainerThatDoesNotShareTheDirectoryIsRefusedAndTheReasonSaysSo() {
        try (var there = contained("mount -t tmpfs -o mode=700 none '" + directory + "' && ");
                var here = new Neighbour("here", directory, true)) {
            var refusal =
                    assertThrows(CompletionException.class, () -> here.connect(there.address()));
            var why = assertInstanceOf(TransferException.class, refusal.getCause());
            assertEquals(ErrorCode.PATH_UNAVAILABLE, why.code());
            assertTrue(why.getMessage().contains("pcie.directory"), why.getMessage());
        }
    }
}
