package io.kvwire.tcp;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;

/**
 * Gives views of memory segments as the byte buffers that sockets take, without allocating once
 * warm: each segment keeps the buffers that were made for it, and hands them out again after {@link
 * #recycle}. A segment of more than 2 GiB, the limit of a byte buffer, is covered in pieces.
 *
 * <p>The buffers are bound to the arena of their segment: closing it while the socket reads or
 * writes fails with an exception, and never touches memory that is gone. Confined to one thread.
 */
final class Views {
    /** Pieces start at multiples of this, and overlap the next by as much. */
    static final int PIECE_BYTES = 1 << 30;

    /** Beyond this many segments, those that were not used for the longest time are let go. */
    private static final int MAX_SEGMENTS = 512;

    private final IdentityHashMap<MemorySegment, Segment> segments = new IdentityHashMap<>();
    private final List<Piece> handedOut = new ArrayList<>();
    private MemorySegment lastKey = MemorySegment.NULL;
    private Segment last = new Segment(0);
    private long round;

    /**
     * {@return a buffer over a run; its own until {@link #recycle}}
     *
     * @param memory a segment, the same object for each run in it
     * @param offset of the run, in bytes
     * @param bytes of the run, at most {@link #PIECE_BYTES}
     */
    ByteBuffer view(MemorySegment memory, long offset, int bytes) {
        if (memory != lastKey) {
            lastKey = memory;
            last = segments.computeIfAbsent(memory, Views::segment);
        }
        int index = (int) (offset / PIECE_BYTES);
        var piece = last.pieces[index];
        if (piece == null) {
            long start = (long) index * PIECE_BYTES;
            long length = Math.min(memory.byteSize() - start, Integer.MAX_VALUE);
            piece = new Piece(memory.asSlice(start, length).asByteBuffer());
            last.pieces[index] = piece;
        }
        last.round = round;
        if (piece.used == 0) {
            handedOut.add(piece);
        }
        int position = (int) (offset - (long) index * PIECE_BYTES);
        return piece.next().limit(position + bytes).position(position);
    }

    /** Takes back all buffers that {@link #view} gave. */
    void recycle() {
        for (int i = 0; i < handedOut.size(); i++) {
            handedOut.get(i).used = 0;
        }
        handedOut.clear();
        round++;
        if (segments.size() > MAX_SEGMENTS) {
            forgetBefore(round - MAX_SEGMENTS);
        }
    }

    /**
     * Lets go of segments that were not used since the last sweep: their owners may have closed
     * them.
     */
    void sweep() {
        forgetBefore(round);
        round++;
    }

    /** {@return how many segments have buffers} */
    int segments() {
        return segments.size();
    }

    private void forgetBefore(long oldest) {
        if (handedOut.isEmpty()) {
            segments.values().removeIf(segment -> segment.round < oldest);
            lastKey = MemorySegment.NULL;
        }
    }

    private static Segment segment(MemorySegment memory) {
        return new Segment((int) (memory.byteSize() / PIECE_BYTES + 1));
    }

    private static final class Segment {
        final Piece[] pieces;
        long round;

        Segment(int count) {
            pieces = new Piece[count];
        }
    }

    private static final class Piece {
        private final ByteBuffer whole;
        private ByteBuffer[] copies = new ByteBuffer[4];
        private int made;
        int used;

        Piece(ByteBuffer whole) {
            this.whole = whole;
        }

        ByteBuffer next() {
            if (used == made) {
                if (made == copies.length) {
                    copies = Arrays.copyOf(copies, made * 2);
                }
                copies[made++] = whole.duplicate();
            }
            return copies[used++];
        }
    }
}
