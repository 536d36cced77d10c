package io.kvwire.ffi;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.time.Duration;

class WakeUpTest {

    @Test
    void aCallEndsTheNextWaitOnce() {
        try (var wakeUp = new WakeUp()) {
            assertFalse(FileDescriptor.awaitReadable(wakeUp.descriptor(), 0));
            wakeUp.wake();
            wakeUp.wake();
            assertTrue(FileDescriptor.awaitReadable(wakeUp.descriptor(), 0));
            wakeUp.clear();
            assertFalse(FileDescriptor.awaitReadable(wakeUp.descriptor(), 0));
        }
    }

    @Test
    void aCallEndsAWaitThatHasBegun() throws Exception {
        try (var wakeUp = new WakeUp();
                var other = new WakeUp()) {
            var waiter =
                    Thread.ofPlatform()
                            .start(() ->
                                    FileDescriptor.awaitReadable(
                                            other.descriptor(), wakeUp.descriptor(), 60_000));
            wakeUp.wake();
            assertTrue(waiter.join(Duration.ofSeconds(30)));
        }
    }

    @Test
    void closingTwiceIsClosingOnce() {
        var wakeUp = new WakeUp();
        wakeUp.close();
        wakeUp.close();
    }
}
