package io.kvwire.pcie;

import static io.kvwire.pcie.BothEnds.assertDone;
import static io.kvwire.pcie.BothEnds.assertGivenUpWhenStopped;
import static io.kvwire.pcie.BothEnds.assertKilledInTheMiddle;
import static io.kvwire.pcie.BothEnds.assertMovesBothWays;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kvwire.ffi.linux.Credentials;
import io.kvwire.ffi.linux.LocalSocket;
import io.kvwire.tcp.TcpControlChannelProvider;
import io.kvwire.tcp.TcpDataPathProvider;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferNode;
import io.kvwire.transport.TransferOutcome;
import io.kvwire.transport.spi.Wires;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The wire between processes that are killed, stopped, hostile or another user's. */
@Timeout(90)
class TwoProcessesTest extends BetweenProcesses {
    private static final int NOBODY = 65534;

    @ParameterizedTest
    @CsvSource({"true,true", "true,false", "false,true", "false,false"})
    void cachesMoveBetweenProcesses(boolean sharedHere, boolean sharedThere) {
        try (var there = OtherProcess.start("there", directory, sharedThere);
                var here = new Neighbour("here", directory, sharedHere)) {
            var peer = here.connect(there.address());
            var report = peer.path();
            assertEquals("pcie", report.path());
            assertTrue(
                    report.details().get("host").contains("process " + there.pid()),
                    report.toString());
            assertMovesBothWays(here, peer, there);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aPeerThatIsKilledInTheMiddleEndsWhatItHad(boolean shared) throws IOException {
        try (var here = new Neighbour("here", directory, shared)) {
            for (int round = 0; round < 3; round++) {
                try (var there = OtherProcess.start("there", directory, shared)) {
                    var peer = here.connect(there.address());
                    here.fill(round);
                    var running = assertKilledInTheMiddle(here, peer, there);
                    assertInstanceOf(
                            TransferOutcome.Failed.class, running.getLast().completion().join());
                }
            }
            await().until(() -> lanesMapped() == 0);
            here.cache().retire(here.cache().table(0, 1)).join();
        }
    }

    private static long lanesMapped() throws IOException {
        return mapped("kvwire-lane");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aPeerThatIsStoppedIsGivenUpAndItsMemoryComesBack(boolean shared) {
        try (var there = OtherProcess.start("there", directory, shared);
                var here = new Neighbour("here", directory, shared)) {
            var peer = here.connect(there.address());
            assertGivenUpWhenStopped(here, peer, there);
        }
    }

    @Test
    void aPeerNeitherTruncatesNorGrowsNorWritesWhatItIsShown() throws IOException {
        try (var there = OtherProcess.start("there", directory, true);
                var here = new Neighbour("here", directory, true)) {
            var peer = here.connect(there.address());
            here.fill(5);
            assertDone(here.write(peer, there.table()));
            var files = memoryFiles(there.pid());
            assertFalse(files.isEmpty(), "the other process has memory files");
            for (var file : files) {
                try (var open = new RandomAccessFile(file.toFile(), "rw")) {
                    long bytes = open.length();
                    assertThrows(IOException.class, () -> open.setLength(0));
                    assertThrows(IOException.class, () -> open.setLength(bytes * 2));
                    assertThrows(
                            IOException.class,
                            () -> open.getChannel().map(FileChannel.MapMode.READ_WRITE, 0, bytes));
                    assertThrows(IOException.class, () -> open.write(1));
                    assertEquals(bytes, open.length());
                }
            }
            assertEquals("true", there.ask("holds 5"));
            assertDone(here.read(peer, there.table()));
        }
    }

    @Test
    void aProcessOfAnotherUserIsRefused() throws Exception {
        assumeTrue(Credentials.ownUser() == 0, "needs root, to start a process of another user");
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/setpriv")), "needs setpriv (util-linux)");
        try (var here = new Neighbour("here", directory, true)) {
            var socket = sockets().getFirst();
            var closed = stranger(socket);
            assertTrue(closed.contains("user " + NOBODY), closed);
            assertTrue(closed.contains("ACCESS_DENIED"), "the directory is private: " + closed);

            // Whoever opens the directory all the same does not get in either.
            Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
            Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rwxrwxrwx"));
            var open = stranger(socket);
            assertTrue(open.contains("user " + NOBODY + " may not"), open);
            assertTrue(here.node().peers().isEmpty());
            var refusal =
                    assertThrows(
                            TransferException.class, () -> new Neighbour("next", directory, true));
            assertTrue(refusal.getMessage().contains("open to others"), refusal.getMessage());
        }
    }

    private static String stranger(Path socket) throws Exception {
        var classPath =
                Stream.of(Stranger.class, LocalSocket.class, TransferException.class)
                        .map(type -> type.getProtectionDomain().getCodeSource().getLocation())
                        .map(location -> Path.of(location.getPath()).toString())
                        .collect(Collectors.joining(File.pathSeparator));
        var command = new ArrayList<String>();
        var user = String.valueOf(NOBODY);
        command.addAll(
                List.of("setpriv", "--reuid", user, "--regid", user, "--clear-groups", "--"));
        command.addAll(OtherProcess.java(classPath, Stranger.class, socket.toString()));
        var process = new ProcessBuilder(command).redirectErrorStream(true).start();
        try (var output = process.inputReader()) {
            return output.lines().collect(Collectors.joining("\n"));
        } finally {
            process.waitFor();
        }
    }

    @Test
    void theSocketOfADeadProcessIsDeletedByTheNextThatStarts() throws IOException {
        try (var living = OtherProcess.start("living", directory, true)) {
            var dead = OtherProcess.start("dead", directory, true);
            assertEquals(2, sockets().size());
            dead.kill();
            assertEquals(2, sockets().size(), "nobody was there to delete it");
            try (var here = new Neighbour("here", directory, true)) {
                assertEquals(2, sockets().size(), "that of the dead is gone, ours has come");
                assertEquals("pcie", here.connect(living.address()).path().path());
            }
            assertEquals(1, sockets().size());
            dead.close();
        }
    }

    @Test
    void nothingIsLeftWhenBothEndsAreKilled() throws IOException {
        var one = OtherProcess.start("one", directory, true);
        var other = OtherProcess.start("other", directory, false);
        assertEquals("pcie", one.ask("push " + other.address() + " " + other.table()));
        await().until(() -> !memoryFiles(one.pid()).isEmpty());
        one.kill();
        other.kill();
        one.close();
        other.close();
        try (var files = Files.list(Path.of("/dev/shm"))) {
            assertTrue(files.noneMatch(file -> file.toString().contains("kvwire")));
        }
        assertEquals(0, lanesMapped());
        new Neighbour("here", directory, true).close();
        assertEquals(List.of(), sockets());
    }

    @Test
    void aPeerWhoseSocketCannotBeSeenIsReachedOtherwiseOrNotAtAll() throws IOException {
        var elsewhere = Files.createTempDirectory("kvwire-elsewhere");
        try (var there = OtherProcess.start("there", directory, true);
                var here = new Neighbour("here", elsewhere, true)) {
            // Both see both directories here, so this works; with a socket that is gone it cannot.
            assertEquals("pcie", here.connect(there.address()).path().path());
            try (var files = Files.list(elsewhere)) {
                for (var socket : files.toList()) {
                    Files.delete(socket);
                }
            }
            var refusal =
                    assertThrows(CompletionException.class, () -> here.connect(there.address()));
            var why = assertInstanceOf(TransferException.class, refusal.getCause());
            assertEquals(ErrorCode.PATH_UNAVAILABLE, why.code());
            assertTrue(why.getMessage().contains("pcie.directory"), why.getMessage());
        } finally {
            Files.delete(elsewhere);
        }
        await().atMost(Duration.ofSeconds(20)).until(() -> lanesMapped() == 0);
    }

    private TransferNode either(String name, Path sockets, String privateMemory) {
        var config =
                NodeConfig.named(name)
                        .withPaths("pcie", "tcp")
                        .withWireOptions(
                                Map.of(
                                        "pcie.directory",
                                        sockets.toString(),
                                        "pcie.private",
                                        privateMemory));
        return TransferNode.start(
                config,
                new Wires(
                        List.of(new PcieDataPathProvider(), new TcpDataPathProvider()),
                        List.of(new TcpControlChannelProvider())));
    }

    @Test
    void aPeerThatSharesNoSocketIsReachedOverTcpAndTheReportSaysWhy() throws IOException {
        var elsewhere = Files.createTempDirectory("kvwire-elsewhere");
        try (var one = either("one", directory, "auto");
                var other = either("other", elsewhere, "auto")) {
            assertEquals("pcie", one.connect(other.address()).join().path().path());
            for (var socket : sockets()) {
                Files.delete(socket); // as in a container that does not see the directory
            }
            var report = one.connect(other.address()).join().path();
            assertEquals("tcp", report.path());
            var why = report.rejected().getFirst();
            assertEquals("pcie", why.path());
            assertTrue(why.reason().contains("pcie.directory"), why.reason());
        } finally {
            Files.delete(elsewhere);
        }
    }

    @Test
    void memoryThatMayNotBeReadGoesThroughARingAndTheReportSaysWhy() {
        try (var one = either("one", directory, "auto");
                var other = either("other", directory, "ring")) {
            var details = one.connect(other.address()).join().path().details();
            assertTrue(
                    details.get("privateMemory").contains("a ring of each lane: pcie.private"),
                    details.toString());
        }
    }
}
