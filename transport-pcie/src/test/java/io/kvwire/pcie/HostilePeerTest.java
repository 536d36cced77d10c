package io.kvwire.pcie;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.ffi.linux.MemoryFile;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.LinkSetup;

import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import java.util.function.Consumer;

/** What a peer may write into the memory of a lane: anything. */
class HostilePeerTest {
    private static final int RING = 1 << 16;

    private final MemorySegment memory = Arena.ofAuto().allocate(LaneMemory.bytes(RING), 4096);
    private final LaneMemory lane = LaneMemory.direction(memory, 0, RING, 8);

    private static void assertMalformed(Runnable work) {
        var refusal = assertThrows(TransferException.class, work::run);
        assertEquals(ErrorCode.MALFORMED, refusal.code());
    }

    @Test
    void whatWasWrittenIsRead() {
        var writer = new RingWriter(lane);
        var reader = new RingReader(lane);
        var random = new Random(1);
        long written = 0;
        long read = 0;
        while (read < 20_000) {
            int bytes =
                    LaneMessage.align(
                            LaneMessage.PREFIX_BYTES
                                    + random.nextInt(writer.maxMessage() - 2 * 24));
            long at = writer.reserve(bytes);
            if (at >= 0) {
                LaneMessage.begin(writer.data(), at, bytes, LaneMessage.FRAME, (byte) 1);
                LaneMessage.sizes(writer.data(), at, 0, 0, written++);
                writer.publish(bytes);
            } else {
                assertTrue(reader.next());
                assertEquals(read++, LaneMessage.payload(reader.data(), reader.at()));
                reader.done();
            }
        }
    }

    @Test
    void aPositionOutsideOfTheRingIsRefused() {
        for (long tail : new long[] {-8, RING + 8, Long.MAX_VALUE, Long.MIN_VALUE}) {
            lane.tail(tail);
            assertMalformed(() -> new RingReader(lane).next());
        }
        lane.head(8);
        assertMalformed(() -> {
            var writer = new RingWriter(lane);
            while (writer.reserve(1024) >= 0) {
                writer.publish(0);
                lane.head(Long.MAX_VALUE);
                writer.publish(1024);
            }
        });
    }

    @RepeatedTest(20)
    void garbageIsRefusedOrReadWithinTheRing() {
        var random = new Random();
        var data = lane.data();
        for (long i = 0; i < RING; i += 4) {
            int word = random.nextInt(8) == 0 ? random.nextInt() : random.nextInt(64) * 8;
            data.set(ValueLayout.JAVA_INT, i, word);
        }
        lane.tail(random.nextInt(RING / 8) * 8L);
        var reader = new RingReader(lane);
        try {
            while (reader.next()) {
                assertTrue(reader.at() + reader.length() <= RING);
                reader.done();
            }
        } catch (TransferException e) {
            assertEquals(ErrorCode.MALFORMED, e.code());
        }
    }

    @Test
    void aMessageOfTheSocketWithAByteTooManyIsRefused() {
        var cookie = new Cookie.Where(1, 2);
        var hello = new SocketMessage.Hello(0, new byte[LinkSetup.TOKEN_BYTES], RING, 8, cookie);
        assertReadButNotLonger(SocketMessage.hello(hello), SocketMessage::hello);
        var reads = new SocketMessage.Verdict(Optional.empty());
        assertReadButNotLonger(SocketMessage.verdict(reads), SocketMessage::verdict);
        assertReadButNotLonger(
                SocketMessage.welcome(cookie, reads),
                in -> {
                    SocketMessage.cookie(in);
                    SocketMessage.verdict(in);
                });
        assertReadButNotLonger(
                SocketMessage.opened(0), in -> SocketMessage.answered(SocketMessage.OPENED, in));
        assertReadButNotLonger(
                SocketMessage.closed(0), in -> SocketMessage.answered(SocketMessage.CLOSED, in));
    }

    private static void assertReadButNotLonger(byte[] message, Consumer<ByteBuffer> decoder) {
        decoder.accept(behindStart(message));
        var longer = Arrays.copyOf(message, message.length + 1);
        assertMalformed(() -> decoder.accept(behindStart(longer)));
    }

    private static ByteBuffer behindStart(byte[] message) {
        var in = SocketMessage.open(message);
        SocketMessage.type(in);
        return in;
    }

    private static ByteBuffer grant(int region, long mark, int segments, long at, long bytes) {
        var token = ByteBuffer.allocate(HostGrant.HEAD_BYTES + segments * HostGrant.SEGMENT_BYTES);
        token.order(ByteOrder.LITTLE_ENDIAN).putInt(region).putLong(mark).putLong(0);
        token.putInt(segments);
        for (int i = 0; i < segments; i++) {
            token.putInt(region).putLong(at).putLong(bytes);
        }
        return token.flip();
    }

    @Test
    void aGrantThatReachesPastWhatWasShownIsRefusedAndLeavesNothingMapped() {
        var file = MemoryFile.create("kvwire-memory", 8192, MemoryFile.Pages.BASE);
        file.sealLength();
        var mapped = ImportedFile.map(file.descriptor(), 8192);
        HostWindow.Regions regions =
                id ->
                        id == 0
                                ? Imports.Region.ofFile(mapped)
                                : Imports.Region.ofProcess(4096, 8192);
        try (var window = HostWindow.open(regions, grant(0, 64, 2, 100, 8092))) {
            assertTrue(window.current());
            assertEquals(8092, window.segments().get(1).byteSize());
            assertTrue(window.segments().get(1).isReadOnly());
        }
        assertMalformed(() -> HostWindow.open(regions, grant(0, 64, 1, 101, 8092)));
        for (long wild : new long[] {-8, 8192, Long.MAX_VALUE - 7, Long.MIN_VALUE}) {
            assertMalformed(() -> HostWindow.open(regions, grant(0, wild, 0, 0, 0)));
            assertMalformed(() -> HostWindow.open(regions, grant(0, 0, 1, wild, 8)));
            assertMalformed(() -> HostWindow.open(regions, grant(0, 0, 1, 8, wild)));
        }
        assertMalformed(() -> HostWindow.open(regions, grant(0, 4, 0, 0, 0)));
        assertMalformed(() -> HostWindow.open(regions, grant(1, 0, 1, 0, 8)));
        assertMalformed(() -> HostWindow.open(regions, grant(0, 0, 1, 0, 8).limit(40)));
        assertMalformed(() -> HostWindow.open(regions, grant(0, 0, 0, 0, 0).limit(8)));
        var memory = mapped.memory();
        mapped.release();
        assertFalse(memory.scope().isAlive(), "nobody else has it");
    }

    @Test
    void entriesThatDoNotAddUpAreRefused() {
        var entries = new Entries();
        assertTrue(entries.add(1, 0, 100, 4));
        assertTrue(entries.add(1, 1000, 100, 4));
        assertTrue(entries.add(1, 2000, 100, 4));
        assertEquals(1, entries.size(), "of one length and distance");
        entries.encode(lane.data(), 0);
        var decoded = new Entries();
        decoded.decode(lane.data(), 0, 1, 300);
        assertTrue(decoded.next());
        decoded.requireWithin(2100);
        assertMalformed(() -> decoded.requireWithin(2099));
        assertMalformed(() -> new Entries().decode(lane.data(), 0, 1, 299));
        assertMalformed(() -> new Entries().decode(lane.data(), 0, 1, 301));
        for (long offset : new long[] {-1, Long.MIN_VALUE, Long.MAX_VALUE}) {
            lane.data().set(ValueLayout.JAVA_LONG, 0, offset);
            decoded.decode(lane.data(), 0, 1, 300);
            assertTrue(decoded.next());
            assertMalformed(() -> decoded.requireWithin(1 << 20));
        }
        lane.data().set(ValueLayout.JAVA_LONG, 0, 0);
        for (long stride : new long[] {-1, Long.MAX_VALUE, Long.MAX_VALUE / 2}) {
            lane.data().set(ValueLayout.JAVA_LONG, 8, stride);
            decoded.decode(lane.data(), 0, 1, 300);
            assertTrue(decoded.next());
            assertMalformed(() -> decoded.requireWithin(1 << 20));
        }
    }
}
