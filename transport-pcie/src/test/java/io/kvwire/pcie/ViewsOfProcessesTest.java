package io.kvwire.pcie;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kvwire.ffi.linux.Linux;
import io.kvwire.transport.ErrorCode;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** Blocks of another process are read where they lie; it is killed, or the reader is stopped. */
@Timeout(90)
class ViewsOfProcessesTest {
    private Path directory;

    @BeforeAll
    static void needsLinux() {
        assumeTrue(Linux.unavailable().isEmpty(), () -> Linux.unavailable().orElseThrow());
    }

    @BeforeEach
    void makeDirectory() throws IOException {
        directory = Files.createTempDirectory("kvwire-pcie");
    }

    @AfterEach
    void deleteDirectory() throws IOException {
        try (var sockets = Files.list(directory)) {
            for (var socket : sockets.toList()) {
                Files.delete(socket);
            }
        }
        Files.delete(directory);
    }

    private static long memoryMapped() throws IOException {
        return Files.readString(Path.of("/proc/self/maps"))
                .lines()
                .filter(line -> line.contains("memfd:kvwire-memory"))
                .count();
    }

    @Test
    void blocksAreReadInTheMemoryOfTheirOwnerWhichMayDie() throws IOException {
        long mapped;
        try (var here = new Neighbour("here", directory, true)) {
            mapped = memoryMapped();
            try (var there = OtherProcess.start("there", directory, true)) {
                var peer = here.connect(there.address());
                assertEquals("filled", there.ask("fill 3"));
                long lease = Long.parseLong(there.ask("lease"));
                try (var view = here.view(peer, there.table(), lease)) {
                    assertTrue(Neighbour.shows(view, 3));
                    assertEquals("filled", there.ask("fill 4"), "which the lease forbids");
                    assertTrue(Neighbour.shows(view, 4), "it is the memory itself");
                    assertTrue(view.valid());
                    assertNothingCanBeWritten(there.pid());

                    there.kill();
                    var why = view.ended().orTimeout(20, TimeUnit.SECONDS).join();
                    assertEquals(ErrorCode.PEER_LOST, why.code());
                    assertFalse(view.valid());
                    assertTrue(Neighbour.shows(view, 4), "the kernel keeps what is mapped");
                }
            }
            await().until(() -> memoryMapped() == mapped);
        }
    }

    /** Neither blocks nor the marks by which they are taken back are the reader's to change. */
    private static void assertNothingCanBeWritten(long pid) throws IOException {
        try (var open = Files.list(Path.of("/proc/" + pid + "/fd"))) {
            var files = open.filter(TwoProcessesTest::isMemory).toList();
            assertTrue(files.size() >= 2, "the cache and the marks: " + files);
            for (var file : files) {
                try (var memory = new RandomAccessFile(file.toFile(), "rw")) {
                    assertThrows(IOException.class, () -> memory.write(1));
                    assertThrows(
                            IOException.class,
                            () -> memory.getChannel().map(FileChannel.MapMode.READ_WRITE, 0, 1));
                }
            }
        }
    }

    @Test
    void aReaderThatIsStoppedDoesNotHoldTheBlocksAndLearnsThatTheyAreGone() {
        try (var here = new Neighbour("here", directory, true);
                var there = OtherProcess.start("there", directory, true)) {
            here.connect(there.address());
            here.fill(1);
            var lease = here.lease(Duration.ofSeconds(4));
            assertEquals("open", there.ask("view " + here.table() + " " + lease.id()));
            assertEquals("true", there.ask("shows 1"));
            var retired = here.cache().retire(here.cache().table(0, 1, 2));
            await().pollDelay(Duration.ofSeconds(6)).until(lease::valid);
            assertEquals("true", there.ask("valid"));

            there.stop();
            retired.orTimeout(20, TimeUnit.SECONDS).join();
            assertFalse(lease.valid(), "nobody renewed it");
            here.fill(2);
            there.signal("CONT");
            assertEquals("false", there.ask("valid"));
            assertEquals("true", there.ask("shows 2"), "the memory is another request's by now");
        }
    }
}
