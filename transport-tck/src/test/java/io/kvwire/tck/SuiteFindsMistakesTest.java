package io.kvwire.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectMethod;

import io.kvwire.tck.fault.ForwardedInbound;
import io.kvwire.tck.fault.ForwardedOutbound;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.ControlHandler;
import io.kvwire.transport.spi.InboundFrame;
import io.kvwire.transport.spi.RunCursor;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.testkit.engine.EngineTestKit;
import org.junit.platform.testkit.engine.Event;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** The suite is worth something only if wires with mistakes fail it, each where it should. */
class SuiteFindsMistakesTest {
    /** What never comes need not be waited for long. */
    @BeforeAll
    static void beImpatient() {
        System.setProperty(Waits.PATIENCE, "2");
    }

    @AfterAll
    static void bePatientAgain() {
        System.clearProperty(Waits.PATIENCE);
    }

    /** Runs one test of a group, and returns how it failed. */
    private static String failureOf(Class<? extends WireContract> group, String test) {
        var events =
                EngineTestKit.engine("junit-jupiter")
                        .selectors(selectMethod(group, test))
                        .execute()
                        .testEvents();
        assertTrue(events.started().count() > 0, test + " of " + group + " was not run");
        return events.failed().stream()
                .findFirst()
                .map(SuiteFindsMistakesTest::message)
                .orElseThrow(() -> new AssertionError("the suite let it pass"));
    }

    private static String message(Event event) {
        var result = event.getRequiredPayload(TestExecutionResult.class);
        var failure = result.getThrowable().orElseThrow();
        var text = new StringBuilder(failure.toString());
        for (var other : failure.getSuppressed()) {
            text.append('\n').append(other);
        }
        return text.toString();
    }

    private static void assertFound(String expected, String failure) {
        assertTrue(failure.contains(expected), failure);
        assertTrue(failure.contains("replay with -D" + WireContract.SEED), failure);
    }

    /** Counts a frame before its bytes are in place. */
    private static final class Hasty extends ForwardedInbound implements RunCursor {
        private final Arena arena = Arena.ofShared();
        private final MemorySegment aside = arena.allocate(1 << 20);
        private RunCursor target;
        private long at;

        Hasty(InboundFrame frame) {
            super(frame);
        }

        @Override
        public RunCursor target() {
            target = frame.target();
            return this;
        }

        @Override
        public void complete(long copiedBytes, long scatterNanos) {
            if (at == 0) {
                frame.complete(copiedBytes, scatterNanos);
                return;
            }
            var into = target.segment().asSlice(target.offset(), target.length());
            frame.complete(copiedBytes, scatterNanos);
            var unused =
                    CompletableFuture.runAsync(
                            () -> into.copyFrom(aside.asSlice(0, into.byteSize())),
                            CompletableFuture.delayedExecutor(30, TimeUnit.MILLISECONDS));
        }

        @Override
        public boolean next() {
            boolean more = target.next();
            at += more ? 1 : 0;
            return more;
        }

        @Override
        public MemorySegment segment() {
            return aside;
        }

        @Override
        public long offset() {
            return 0;
        }

        @Override
        public long length() {
            return target.length();
        }
    }

    static class HastyTransfers extends TransferContract {
        @Override
        protected WireUnderTest wire() {
            return BrokenWire.receiving(Hasty::new);
        }
    }

    static class HastyNotifications extends NotificationContract {
        @Override
        protected WireUnderTest wire() {
            return BrokenWire.receiving(Hasty::new);
        }
    }

    @Test
    void aWireThatCountsBytesBeforeTheyAreThereIsFound() {
        assertFound(
                "target of the WRITE",
                failureOf(HastyTransfers.class, "aWriteBringsEveryByteAndTouchesNoOther"));
        assertFound(
                "memory in the notification",
                failureOf(HastyNotifications.class, "aReaderIsNotifiedHereWithEveryByteInPlace"));
    }

    static class DeafCancellation extends CancellationContract {
        @Override
        protected WireUnderTest wire() {
            return BrokenWire.receiving(frame ->
                    new ForwardedInbound(frame) {
                        @Override
                        public boolean revoked() {
                            return false;
                        }
                    });
        }
    }

    @Test
    void aWireThatWritesWhatWasRevokedIsFound() {
        assertFound(
                "blocks taken back before the first byte",
                failureOf(
                        DeafCancellation.class, "nothingIsWrittenOnceTheTargetBlocksAreTakenBack"));
    }

    static class OneByteOff extends TransferContract {
        @Override
        protected WireUnderTest wire() {
            return BrokenWire.receiving(frame ->
                    new ForwardedInbound(frame) {
                        @Override
                        public void complete(long copiedBytes, long scatterNanos) {
                            var runs = frame.target();
                            long after = runs.offset() + runs.length();
                            if (after > 0 && after < runs.segment().byteSize()) {
                                runs.segment().set(ValueLayout.JAVA_BYTE, after, (byte) 77);
                            }
                            frame.complete(copiedBytes, scatterNanos);
                        }
                    });
        }
    }

    @Test
    void aWireThatWritesOneByteTooManyIsFound() {
        assertFound(
                "should be", failureOf(OneByteOff.class, "aWriteBringsEveryByteAndTouchesNoOther"));
    }

    static class Forgetful extends FaultContract {
        @Override
        protected WireUnderTest wire() {
            return BrokenWire.receiving(frame ->
                    new ForwardedInbound(frame) {
                        @Override
                        public void abort() {}
                    });
        }
    }

    @Test
    void aWireThatForgetsToAbortFramesIsFound() {
        assertFound(
                "a link was closed while a frame was arriving",
                failureOf(
                        Forgetful.class,
                        "aLaneCutInTheMiddleOfAPayloadCostsItsTransfersAndNoOther"));
    }

    static class Hoarding extends TransferContract {
        @Override
        protected WireUnderTest wire() {
            return BrokenWire.sending(frame ->
                    new ForwardedOutbound(frame) {
                        @Override
                        public void released(boolean sent) {
                            boolean used = frame.wanted();
                            frame.released(sent);
                            frame.released(used);
                        }
                    });
        }
    }

    @Test
    void aWireThatReleasesAFrameTwiceIsFound() {
        assertFound(
                "a frame was released twice",
                failureOf(Hoarding.class, "aWriteBringsEveryByteAndTouchesNoOther"));
    }

    static class Clinging extends TransferContract {
        @Override
        protected WireUnderTest wire() {
            return BrokenWire.sending(frame ->
                    new ForwardedOutbound(frame) {
                        @Override
                        public void released(boolean sent) {
                            frame.released(sent);
                            header();
                        }
                    });
        }
    }

    @Test
    void aWireThatTouchesAFrameItHasReleasedIsFound() {
        assertFound(
                "of a frame it had released",
                failureOf(Clinging.class, "aWriteBringsEveryByteAndTouchesNoOther"));
    }

    /** Swaps each two control messages after the handshake. */
    private static final class Shuffled implements ControlHandler {
        private static final int HANDSHAKE_MESSAGES = 2;
        private final ControlHandler node;
        private int seen;
        private ByteBuffer kept = ByteBuffer.allocate(0);

        Shuffled(ControlHandler node) {
            this.node = node;
        }

        @Override
        public void received(ByteBuffer message) {
            if (seen++ < HANDSHAKE_MESSAGES) {
                node.received(message);
            } else if (kept.hasRemaining()) {
                node.received(message);
                node.received(kept.order(message.order()));
                kept = ByteBuffer.allocate(0);
            } else {
                kept = ByteBuffer.allocate(message.remaining()).put(message).flip();
            }
        }

        @Override
        public void closed(TransferException reason) {
            node.closed(reason);
        }
    }

    static class OutOfOrder extends NotificationContract {
        @Override
        protected WireUnderTest wire() {
            return BrokenWire.controlling(Shuffled::new);
        }
    }

    @Test
    void aWireThatReordersControlMessagesIsFound() {
        assertFound("array contents differ", failureOf(OutOfOrder.class, "messagesArriveInOrder"));
    }

    static class Littering extends TransferContract {
        static final CountDownLatch CLEARED = new CountDownLatch(1);

        @Override
        protected WireUnderTest wire() {
            return BrokenWire.receiving(frame -> {
                Thread.ofPlatform().daemon().name("forgotten").start(Littering::untilCleared);
                return frame;
            });
        }

        private static void untilCleared() {
            try {
                CLEARED.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Test
    void aWireThatLeavesThreadsBehindIsFound() {
        try {
            assertFound(
                    "threads that outlive their node: [forgotten",
                    failureOf(Littering.class, "aWriteBringsEveryByteAndTouchesNoOther"));
        } finally {
            Littering.CLEARED.countDown();
        }
    }

    @Test
    void aSoundWirePassesTheSameTests() {
        var events =
                EngineTestKit.engine("junit-jupiter")
                        .selectors(
                                selectMethod(Sound.class, "aWriteBringsEveryByteAndTouchesNoOther"))
                        .execute()
                        .testEvents();
        assertEquals(1, events.succeeded().count());
    }

    static class Sound extends TransferContract {
        @Override
        protected WireUnderTest wire() {
            return BrokenWire.receiving(frame -> frame);
        }
    }
}
