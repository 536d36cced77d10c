package io.kvwire.transport.core;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.Access;
import io.kvwire.transport.BlockTable;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.RemoteCache;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.GrantedMemory;

import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** What the two ends of a view tell each other, and what of it is not believed. */
class ViewMessagesTest {
    private static final KvLayout LAYOUT =
            KvLayout.builder().layers(1).kvHeads(2).headDim(8).tokensPerBlock(16).build();
    private static final int BLOCKS = 4;
    private static final RemoteCache CACHE =
            new RemoteCache(1, "kv", LAYOUT, BLOCKS, Access.REMOTE_READ, 7);

    private static MessageReader read(MessageWriter written) {
        var in = new MessageReader(written.message());
        in.u8();
        return in;
    }

    private static void assertMalformed(Runnable work) {
        assertEquals(ErrorCode.MALFORMED, assertThrows(TransferException.class, work::run).code());
    }

    @Test
    void messagesAreReadAsTheyWereWritten() {
        var table = BlockTable.of(7, new int[] {3, 1}, new int[] {-5, 9});
        var ask = new ViewMessages.Ask(1, -2, 3, table);
        assertEquals(ask, ViewMessages.Ask.decode(read(ask.encode())));
        var places = List.of(new ViewMessages.Place(0, 1, 1, 2, 3));
        var answer = new ViewMessages.Answer(1, 2, new byte[] {3, 4}, places);
        var decoded = ViewMessages.Answer.decode(read(answer.encode()));
        assertEquals(places, decoded.layers());
        assertEquals(2, decoded.leaseNanos());
        assertArrayEquals(answer.token(), decoded.token());
    }

    @Test
    void anAnswerWithoutALeaseIsRefused() {
        var none = new ViewMessages.Answer(1, 0, new byte[0], List.of());
        assertMalformed(() -> ViewMessages.Answer.decode(read(none.encode())));
    }

    @Test
    void layersLieInWhatIsShownAndNowhereElse() {
        try (var memory = new Shown(Arena.ofShared())) {
            var dense = LayerPlacement.dense(LAYOUT, memory.shown, BLOCKS);
            var place = ViewMessages.Place.of(dense, memory.segments());
            assertEquals(dense, place.in(memory.segments()));
            assertEquals(LAYOUT.partBytes(), view(memory, dense).key(0, 0).byteSize());

            for (int number : new int[] {-1, 1, Integer.MAX_VALUE}) {
                assertMalformed(
                        () -> new ViewMessages.Place(number, 0, 0, 0, 0).in(memory.segments()));
                assertMalformed(
                        () -> new ViewMessages.Place(0, 0, number, 0, 0).in(memory.segments()));
            }
            for (long wild : new long[] {-1, 1L << 20, Long.MAX_VALUE, Long.MIN_VALUE}) {
                assertMalformed(() -> view(memory, moved(dense, wild, 0, 512)));
                assertMalformed(() -> view(memory, moved(dense, 0, wild, 512)));
                assertMalformed(() -> view(memory, moved(dense, 0, 0, wild)));
            }
            assertMalformed(() -> open(memory, List.of()));
            assertMalformed(() -> open(memory, List.of(dense, dense)));
        }
    }

    private static LayerPlacement moved(LayerPlacement dense, long key, long value, long stride) {
        return new LayerPlacement(dense.key(), key, dense.value(), value, stride);
    }

    private static OpenView view(Shown memory, LayerPlacement layer) {
        return open(memory, List.of(layer));
    }

    private static OpenView open(Shown memory, List<LayerPlacement> layers) {
        var table = BlockTable.of(7, new int[] {BLOCKS - 1}, new int[1]);
        return new OpenView(null, 1, CACHE, table, layers, memory);
    }

    @Test
    void whatIsShownIsEndedByItsOwner() {
        try (var memory = new Shown(Arena.ofShared())) {
            var view = view(memory, LayerPlacement.dense(LAYOUT, memory.shown, BLOCKS));
            assertTrue(view.valid());
            view.end(new TransferException(ErrorCode.LEASE_EXPIRED, "over"));
            assertFalse(view.valid());
            assertEquals(ErrorCode.LEASE_EXPIRED, view.ended().join().code());
        }
    }

    /** Memory that a peer has granted, as a wire gives it. */
    private static final class Shown implements GrantedMemory {
        private final Arena arena;
        private final MemorySegment shown;

        Shown(Arena arena) {
            this.arena = arena;
            shown = arena.allocate(BLOCKS * LAYOUT.blockBytes());
        }

        @Override
        public List<MemorySegment> segments() {
            return List.of(shown);
        }

        @Override
        public boolean current() {
            return arena.scope().isAlive();
        }

        @Override
        public void close() {
            arena.close();
        }
    }
}
