package io.kvwire.pcie;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.ErrorCode;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** Blocks of another process are read where they lie; it is killed, or the reader is stopped. */
@Timeout(90)
class ViewsOfProcessesTest extends BetweenProcesses {
    private static long memoryMapped() throws IOException {
        return mapped("kvwire-memory");
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
        var files = memoryFiles(pid);
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
