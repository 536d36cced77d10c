package io.kvwire.ffi.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kvwire.ffi.WakeUp;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;

/** Sockets that hand over descriptors and prove who is there. */
class LocalSocketTest {
    @TempDir private Path folder;
    private LocalSocket listener;
    private LocalSocket near;
    private LocalSocket far;

    @BeforeAll
    static void needsLinux() {
        assumeTrue(Linux.unavailable().isEmpty(), () -> Linux.unavailable().orElseThrow());
    }

    @BeforeEach
    void connect() {
        listener = LocalSocket.listen(folder.resolve("socket"));
        assertTrue(listener.accept().isEmpty());
        near = LocalSocket.connect(folder.resolve("socket"));
        far = listener.accept().orElseThrow();
    }

    @AfterEach
    void close() {
        listener.close();
        near.close();
        far.close();
    }

    @Test
    void theKernelSaysWhoIsThere() {
        var self =
                new Credentials(
                        (int) ProcessHandle.current().pid(),
                        Credentials.ownUser(),
                        far.credentials().gid());
        assertEquals(self, far.credentials());
        assertEquals(self, near.credentials());
    }

    @Test
    void messagesArriveWholeAndInOrder() {
        assertTrue(far.receive().isEmpty());
        assertTrue(near.send(new byte[] {1, 2, 3}));
        assertTrue(near.send(new byte[] {4}));
        assertArrayEquals(new byte[] {1, 2, 3}, far.receive().orElseThrow().bytes());
        assertArrayEquals(new byte[] {4}, far.receive().orElseThrow().bytes());
        assertTrue(far.receive().isEmpty());
        near.close();
        assertTrue(far.receive().orElseThrow().ended());
        assertFalse(far.send(new byte[1]));
    }

    @Test
    void whoEndsSendingStillHearsOfTheOthersEnd() {
        near.endSending();
        assertTrue(far.receive().orElseThrow().ended());
        assertTrue(near.receive().isEmpty(), "the other side is still there");
        assertTrue(far.send(new byte[] {7}));
        assertArrayEquals(new byte[] {7}, near.receive().orElseThrow().bytes());
        far.close();
        assertTrue(near.receive().orElseThrow().ended());
        near.endSending();
    }

    @Test
    void aMemoryFileAndADoorbellAreHandedOver() {
        try (var file = MemoryFile.create("kvwire-test", 4096, MemoryFile.Pages.BASE);
                var bell = new WakeUp();
                var poll = Arena.ofConfined()) {
            file.map(poll, 4096, true).set(ValueLayout.JAVA_INT, 0, 99);
            assertTrue(near.send(new byte[] {1}, file.descriptor(), bell.descriptor()));
            int[] got = far.receive().orElseThrow().descriptors();
            assertEquals(2, got.length);
            var wait = new Poll(poll, 2);
            int place = wait.add(bell.descriptor());
            assertFalse(wait.await(0));
            try (var theirs = MemoryFile.adopt(got[0]);
                    var theirBell = new WakeUp(got[1])) {
                assertEquals(99, theirs.map(poll, 4096, false).get(ValueLayout.JAVA_INT, 0));
                theirBell.wake();
            }
            assertTrue(wait.await(1000));
            assertTrue(wait.ready(place));
            bell.clear();
            assertFalse(wait.await(0));
        }
    }

    @Test
    void aFullSocketSaysSoAndDoesNotWait() {
        int sent = 0;
        while (near.send(new byte[LocalSocket.MAX_MESSAGE_BYTES])) {
            sent++;
        }
        assertTrue(sent > 0);
        assertTrue(far.receive().isPresent());
        assertTrue(near.send(new byte[1]));
    }

    @Test
    void whereNobodyListensIsSaid() {
        var gone = folder.resolve("gone");
        LocalSocket.listen(gone).close();
        assertEquals(ErrorCode.UNREACHABLE, refusal(gone));
        assertEquals(ErrorCode.PATH_UNAVAILABLE, refusal(folder.resolve("never")));
        assertEquals(ErrorCode.OUT_OF_RANGE, refusal(folder.resolve("x".repeat(108))));
    }

    private static ErrorCode refusal(Path path) {
        return assertThrows(TransferException.class, () -> LocalSocket.connect(path)).code();
    }
}
