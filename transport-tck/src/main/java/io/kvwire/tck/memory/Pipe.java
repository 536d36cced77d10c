package io.kvwire.tck.memory;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.locks.LockSupport;

/**
 * One direction of a lane: a ring of small buffers, as the socket buffers of a network would be.
 * One thread writes, one reads; either may break it, and then what is inside is lost.
 *
 * <p>The threads wait by the object's own monitor, which makes no objects: whether they have to
 * wait depends on the machine, and what a transfer allocates must not.
 */
final class Pipe {
    /** The most payload that is copied without asking whether it is still wanted. */
    static final int PIECE_BYTES = 16 << 10;

    /** A slow reader holds the writer up after so many pieces. */
    static final int PIECES = 4;

    /** A frame's header, or a piece of its payload. */
    static final class Piece {
        final ByteBuffer bytes = ByteBuffer.allocate(PIECE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        long payloadBytes;
    }

    /** A pause sees after so long that the pipe is broken. */
    private static final long PAUSE_SLICE_NANOS = 1_000_000;

    private final Piece[] ring = new Piece[PIECES];
    private long written;
    private long read;
    private volatile boolean broken;

    Pipe() {
        for (int i = 0; i < PIECES; i++) {
            ring[i] = new Piece();
        }
    }

    /** Waits for room; returns an empty piece to fill, or null once the pipe is broken. */
    synchronized Piece room() {
        awaitTurn(true);
        if (broken) {
            return null;
        }
        var piece = ring[(int) (written % PIECES)];
        piece.bytes.clear();
        return piece;
    }

    /** Waits until one thread may go on; an interrupt is for whoever comes later. */
    private synchronized void awaitTurn(boolean writer) {
        boolean interrupted = false;
        while (!broken && (writer ? written - read == PIECES : written == read)) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Lets time pass, unless the pipe breaks. */
    void pause(long nanos) {
        long start = System.nanoTime();
        for (long left = nanos;
                left > 0 && !broken && !Thread.currentThread().isInterrupted();
                left = nanos - (System.nanoTime() - start)) {
            LockSupport.parkNanos(Math.min(left, PAUSE_SLICE_NANOS));
        }
    }

    /** Hands the piece that {@link #room} gave to the reader. */
    synchronized void filled() {
        written++;
        notifyAll();
    }

    /** Waits for a piece; null once the pipe is broken. */
    synchronized Piece next() {
        awaitTurn(false);
        return broken ? null : ring[(int) (read % PIECES)];
    }

    /** Gives the piece that {@link #next} gave back to the writer. */
    synchronized void emptied() {
        read++;
        notifyAll();
    }

    synchronized void breakOff() {
        broken = true;
        notifyAll();
    }
}
