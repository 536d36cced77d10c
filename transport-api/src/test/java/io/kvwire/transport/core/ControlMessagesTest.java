package io.kvwire.transport.core;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.Access;
import io.kvwire.transport.DType;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvCache;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvScales;
import io.kvwire.transport.RemoteCache;
import io.kvwire.transport.RemoteRegion;
import io.kvwire.transport.StridedCopy;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** What a peer that is up may say to a session, and what becomes of a session that hears worse. */
class ControlMessagesTest {
    private static final int SESSIONS = 1000;
    private static final long TRANSFER = 1L << Slots.SLOT_BITS;

    private LoneNode lone;
    private List<ByteBuffer> messages;

    @BeforeEach
    void start() {
        lone = new LoneNode();
        messages = everyKind();
    }

    @AfterEach
    void close() {
        lone.close();
    }

    /** Ended by the node with a reason of its own, or ended here; either way nothing is left. */
    static void assertEndsClean(LoneNode lone, LoneNode.Meeting meeting) {
        var session = meeting.session;
        meeting.ended()
                .ifPresent(reason -> {
                    if (reason.getMessage().contains("could not be handled")) {
                        throw new AssertionError("a message broke its handler", reason);
                    }
                    assertFalse(session.connected());
                });
        session.closed(new TransferException(ErrorCode.PEER_LOST, "the test is over"));
        assertTrue(meeting.ended().isPresent());
        assertFalse(session.connected());
        assertTrue(session.replies.isEmpty(), "reads go on after the end");
        assertTrue(session.closed().isDone());
        var metrics = lone.node().metrics();
        if (metrics.blocksPinned() != 0) { // a frame may be on its way to the wire
            await().atMost(Duration.ofSeconds(10))
                    .until(() -> lone.node().metrics().blocksPinned() == 0);
        }
        assertEquals(0, metrics.peers());
    }

    /** One message of each type that a session takes once it is up, each as a peer would say it. */
    private List<ByteBuffer> everyKind() {
        var table = lone.cache().table(0, 1, 2);
        var lease = lone.cache().lease(5, table, Duration.ofMinutes(1).toNanos());
        var blocks =
                new ControlMessages.ReadBlocks(
                        TRANSFER,
                        5,
                        lease.id(),
                        Duration.ofMinutes(1).toNanos(),
                        true,
                        idOf(lone.cache()),
                        1,
                        0,
                        10,
                        0,
                        table.ids(),
                        new int[] {table.generation(0), table.generation(1), table.generation(2)});
        var ranges =
                new ControlMessages.ReadRanges(
                        TRANSFER + 1,
                        6,
                        Duration.ofMinutes(1).toNanos(),
                        true,
                        lone.region().id(),
                        lone.region().generation(),
                        List.of(new StridedCopy(0, 64, 0, 0, 32, 4)));
        var scaled =
                KvLayout.builder()
                        .dtype(DType.FP8_E5M2)
                        .scales(KvScales.perLayer(new float[] {2}, new float[] {3}))
                        .build();
        var cache = new RemoteCache(3, "more", scaled, 9, Access.REMOTE_READ, 11);
        return List.of(
                blocks.encode(),
                ranges.encode(),
                new MessageWriter(ControlMessages.HEARTBEAT).message(),
                ControlMessages.notification(new byte[] {1, 2, 3}).message(),
                new MessageWriter(ControlMessages.ATTACH)
                        .u64(TRANSFER)
                        .bytes(new byte[] {4})
                        .message(),
                about(ControlMessages.PROGRESS, ControlMessages.YOURS).u64(64).message(),
                about(ControlMessages.PROGRESS, ControlMessages.MINE).u64(64).message(),
                about(ControlMessages.DONE, ControlMessages.YOURS).message(),
                about(ControlMessages.DONE, ControlMessages.MINE).message(),
                ControlMessages.failed(
                                ControlMessages.YOURS,
                                TRANSFER,
                                new TransferException(ErrorCode.STALE, "gone"))
                        .message(),
                about(ControlMessages.CANCEL, ControlMessages.MINE).message(),
                new MessageWriter(ControlMessages.LEASE_RENEW)
                        .u64(1)
                        .u64(lease.id())
                        .u64(Duration.ofMinutes(1).toNanos())
                        .message(),
                new MessageWriter(ControlMessages.LEASE_STATE).u64(1).u8(1).message(),
                new MessageWriter(ControlMessages.LEASE_RELEASE).u64(lease.id() + 1).message(),
                Hello.message(cache),
                Hello.message(new RemoteRegion(4, 41, 8192, Access.REMOTE_WRITE)),
                new MessageWriter(ControlMessages.WITHDRAWN).u32(3).message(),
                new MessageWriter(ControlMessages.READY).message(),
                new MessageWriter(ControlMessages.LINK).bytes(new byte[] {5, 6}).message(),
                new MessageWriter(ControlMessages.RATE).u64(1_000_000).message(),
                new MessageWriter(ControlMessages.PROBED).u64(64).message(),
                new ViewMessages.Ask(1, lease.id(), idOf(lone.cache()), table).encode().message(),
                new ViewMessages.Answer(
                                1,
                                Duration.ofMinutes(1).toNanos(),
                                new byte[] {7},
                                List.of(new ViewMessages.Place(0, 0, 0, 0, 64)))
                        .encode()
                        .message(),
                ViewMessages.ended(1, new TransferException(ErrorCode.STALE, "gone")).message(),
                ViewMessages.closed(1).message());
    }

    private static MessageWriter about(int type, int whose) {
        return new MessageWriter(type).u8(whose).u64(TRANSFER);
    }

    private static int idOf(KvCache cache) {
        return ((PagedCache) cache).id();
    }

    @Test
    void whatAPeerSaysAsItShouldLeavesTheSessionUp() {
        var meeting = lone.meet();
        for (var message : messages) {
            meeting.session.received(message);
            assertTrue(
                    meeting.ended().isEmpty(),
                    () -> "ended after type " + message.get(0) + ": " + meeting.ended());
        }
        assertEndsClean(lone, meeting);
    }

    @Test
    void everyTruncationLeavesTheSessionUpOrIsRefusedAsMalformed() {
        for (var message : messages) {
            for (int length = 0; length < message.remaining(); length++) {
                var other = lone.meet();
                other.session.received(message.duplicate().limit(length));
                other.ended().ifPresent(reason -> assertEquals(ErrorCode.MALFORMED, reason.code()));
                assertEndsClean(lone, other);
            }
        }
    }

    @Test
    void aMessageOfAnyTypeWithAByteTooManyIsRefusedAndNothingIsDoneAboutIt() {
        for (var message : everyType()) {
            var other = lone.meet();
            var before = lone.node().metrics();
            other.session.received(longer(message));
            assertTooLong(other, message);
            assertEquals(before.framesRefused(), lone.node().metrics().framesRefused());
            assertEndsClean(lone, other);
        }
    }

    @Test
    void aByteTooManyIsAlsoRefusedOfWhatComesBeforeTheLanesAreUp() {
        var heartbeat = new MessageWriter(ControlMessages.HEARTBEAT).message();
        var other = lone.meetAfter(List.of(heartbeat, longer(heartbeat)));
        assertTooLong(other, heartbeat);
        assertEndsClean(lone, other);
    }

    private static ByteBuffer longer(ByteBuffer message) {
        return ByteBuffer.allocate(message.remaining() + 1).put(message.duplicate()).rewind();
    }

    private static void assertTooLong(LoneNode.Meeting meeting, ByteBuffer message) {
        var reason =
                meeting.ended().orElseThrow(() -> new AssertionError("type " + message.get(0)));
        assertEquals(ErrorCode.MALFORMED, reason.code(), () -> "type " + message.get(0));
        assertEquals("control message refused: bytes after its last field: 1", reason.getMessage());
    }

    @Test
    void theMessagesOfTheseTestsAreOfEveryTypeThereIs() {
        var tried = everyType().stream().map(message -> (int) message.get(0));
        assertEquals(
                IntStream.rangeClosed(ControlMessages.HELLO, ControlMessages.VIEW_CLOSED)
                        .boxed()
                        .collect(Collectors.toSet()),
                tried.collect(Collectors.toSet()));
        var next = new MessageWriter(ControlMessages.VIEW_CLOSED + 1).message();
        var other = lone.meet();
        other.session.received(next);
        assertTrue(other.ended().orElseThrow().getMessage().contains("unknown type"));
        assertEndsClean(lone, other);
    }

    /** What a session takes once it is up, what ends it, and what only a handshake has. */
    private List<ByteBuffer> everyType() {
        var all = new ArrayList<>(messages);
        all.add(LoneNode.hello(ControlMessages.HELLO));
        all.add(LoneNode.hello(ControlMessages.WELCOME));
        all.add(
                new MessageWriter(ControlMessages.REJECT)
                        .u32(ErrorCode.REFUSED.number())
                        .text("full")
                        .message());
        all.add(new MessageWriter(ControlMessages.GOODBYE).message());
        return all;
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void messagesWithWildNumbersEndASessionCleanly(long seed) {
        var random = new Random(seed);
        for (int i = 0; i < SESSIONS; i++) {
            var other = lone.meet();
            var heard = new ArrayList<byte[]>();
            for (int left = 1 + random.nextInt(8); left > 0; left--) {
                heard.add(wild(random));
                other.session.received(ByteBuffer.wrap(heard.getLast()));
            }
            try {
                assertEndsClean(lone, other);
            } catch (AssertionError e) {
                throw new AssertionError("seed " + seed + ", session " + i, e);
            }
        }
    }

    /** A message in which up to two places have numbers of another kind. */
    private byte[] wild(Random random) {
        var from = messages.get(random.nextInt(messages.size()));
        byte[] bytes = new byte[from.remaining()];
        from.duplicate().get(bytes);
        for (int changes = random.nextInt(3); changes > 0; changes--) {
            int at = random.nextInt(bytes.length);
            int end = Math.min(bytes.length, at + (1 << random.nextInt(4)));
            byte filling =
                    switch (random.nextInt(4)) {
                        case 0 -> 0;
                        case 1 -> -1;
                        case 2 -> 0x7f;
                        default -> (byte) random.nextInt();
                    };
            for (; at < end; at++) {
                bytes[at] = filling;
            }
        }
        return bytes;
    }
}
