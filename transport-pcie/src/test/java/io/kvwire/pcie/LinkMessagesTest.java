package io.kvwire.pcie;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kvwire.ffi.linux.Linux;
import io.kvwire.ffi.linux.MemoryFile;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;

/** The two ends of the messages of a link, both in this process. */
@Timeout(60)
class LinkMessagesTest {
    private static final int MAX_BYTES = 1 << 20;

    private final AtomicInteger wokenHere = new AtomicInteger();
    private final AtomicInteger wokenThere = new AtomicInteger();
    private LinkRings ours;
    private LinkRings theirs;
    private LinkMessages here;
    private LinkMessages there;

    @BeforeEach
    void map() {
        assumeTrue(Linux.unavailable().isEmpty(), "needs memory files of Linux");
        try (var file =
                MemoryFile.create("kvwire-messages", LinkRings.BYTES, MemoryFile.Pages.BASE)) {
            file.sealLength();
            ours = LinkRings.map(file, true);
            theirs = LinkRings.map(file, false);
        }
        here = new LinkMessages(ours, MAX_BYTES, wokenThere::incrementAndGet, () -> {});
        there = new LinkMessages(theirs, MAX_BYTES, wokenHere::incrementAndGet, () -> {});
    }

    @AfterEach
    void close() {
        if (here != null) {
            here.close();
            there.close();
        }
    }

    private static byte[] bytes(ByteBuffer message) {
        byte[] all = new byte[message.remaining()];
        message.get(message.position(), all);
        return all;
    }

    @Test
    void messagesOfAllLengthsArriveWholeAndInOrder() {
        var received = new ArrayList<byte[]>();
        there.receive(message -> received.add(bytes(message)));
        var sent = new ArrayList<byte[]>();
        var random = new Random(3);
        for (int i = 0; i < 2000; i++) {
            byte[] message = new byte[i % 97 == 0 ? MAX_BYTES : random.nextInt(4000)];
            random.nextBytes(message);
            while (!here.send(ByteBuffer.wrap(message))) {
                there.poll();
                here.poll();
            }
            sent.add(message);
        }
        while (received.size() < sent.size()) {
            assertTrue(there.poll() + here.poll() > 0, "stuck after " + received.size());
        }
        assertEquals(sent.size(), received.size());
        for (int i = 0; i < sent.size(); i++) {
            assertEquals(ByteBuffer.wrap(sent.get(i)), ByteBuffer.wrap(received.get(i)), "at " + i);
        }
    }

    @Test
    void whatTheOtherSideDoesNotReadIsBounded() {
        int accepted = 0;
        while (here.send(ByteBuffer.allocate(MAX_BYTES))) {
            accepted++;
            assertTrue(accepted < 100);
        }
        assertEquals(4, accepted);
    }

    @Test
    void aSideThatSleepsIsWokenOnceAndOneThatDoesNotIsLeftAlone() {
        here.send(ByteBuffer.allocate(8));
        assertEquals(0, wokenThere.get());
        there.sleeps(true);
        here.send(ByteBuffer.allocate(8));
        here.send(ByteBuffer.allocate(8));
        assertEquals(1, wokenThere.get());
    }

    @Test
    void theLastThingRunsAfterAllMessagesAlsoWhenAMessageAsksForIt() {
        var seen = new ArrayList<String>();
        there.receive(message -> {
            seen.add("message " + message.get(0));
            if (message.get(0) == 1) {
                there.end(() -> seen.add("end"));
            }
        });
        for (byte i = 1; i <= 3; i++) {
            here.send(ByteBuffer.wrap(new byte[] {i}));
        }
        there.poll();
        here.send(ByteBuffer.wrap(new byte[] {4}));
        there.poll();
        assertEquals(List.of("message 1", "message 2", "message 3", "end"), seen);
    }

    @Test
    void whoAsksForMessagesAfterTheLastThingGetsNone() {
        there.end(() -> {});
        there.receive(_ -> {
            throw new AssertionError("a message after the end");
        });
        here.send(ByteBuffer.allocate(8));
        assertEquals(0, there.poll());
    }

    @Test
    void aSenderThatWaitsForRoomIsWokenOnceThereIsSome() {
        for (int i = 0; i < 8; i++) {
            assertTrue(here.send(ByteBuffer.allocate(LinkRings.BYTES_EACH / 5)));
        }
        there.receive(_ -> {});
        while (wokenHere.get() == 0) {
            assertTrue(there.poll() > 0, "all is read, and nobody was told");
        }
    }

    @Test
    void nothingIsSentOrReadOnceTheLinkIsClosed() {
        there.receive(_ -> {
            throw new AssertionError("read after the end");
        });
        here.send(ByteBuffer.allocate(8));
        there.close();
        assertEquals(0, there.poll());
        here.close();
        assertFalse(here.send(ByteBuffer.allocate(8)));
    }

    @Test
    void lengthsThatTheOtherSideMakesUpAreRefused() {
        there.receive(_ -> {
            throw new AssertionError("a message that was never sent");
        });
        for (long length : new long[] {-1, 1 << 20, Long.MAX_VALUE}) {
            here.send(ByteBuffer.allocate(8));
            LaneMessage.sizes(ours.out().data(), 0, 0, 0, length);
            var refusal = assertThrows(TransferException.class, there::poll);
            assertEquals(ErrorCode.MALFORMED, refusal.code());
        }
    }

    @Test
    void piecesThatNeverEndAreRefused() {
        there.receive(_ -> {
            throw new AssertionError("a message that has no end");
        });
        var writer = new RingWriter(ours.out());
        var refusal =
                assertThrows(
                        TransferException.class,
                        () -> {
                            for (int i = 0; i < 100; i++) {
                                int bytes = writer.maxMessage();
                                long at = writer.reserve(bytes);
                                LaneMessage.begin(
                                        writer.data(), at, bytes, LaneMessage.PIECE, (byte) 0);
                                long payload = (long) bytes - LaneMessage.PREFIX_BYTES;
                                LaneMessage.sizes(writer.data(), at, 0, 0, payload);
                                writer.publish(bytes);
                                there.poll();
                            }
                        });
        assertTrue(refusal.getMessage().contains("more than " + MAX_BYTES), refusal.getMessage());
    }
}
