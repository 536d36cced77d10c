package io.kvwire.tck.memory;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One direction of a lane: a ring of small buffers, as the socket buffers of a network would be.
 * One thread writes, one reads; either may break it, and then what is inside is lost.
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

    private final Piece[] ring = new Piece[PIECES];
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private long written;
    private long read;
    private boolean broken;

    Pipe() {
        for (int i = 0; i < PIECES; i++) {
            ring[i] = new Piece();
        }
    }

    /** Waits for room; returns an empty piece to fill, or null once the pipe is broken. */
    Piece room() {
        lock.lock();
        try {
            while (!broken && written - read == PIECES) {
                changed.awaitUninterruptibly();
            }
            if (broken) {
                return null;
            }
            var piece = ring[(int) (written % PIECES)];
            piece.bytes.clear();
            return piece;
        } finally {
            lock.unlock();
        }
    }

    /** Lets time pass, unless the pipe breaks. */
    void pause(long nanos) {
        lock.lock();
        try {
            long left = nanos;
            while (!broken && left > 0) {
                left = changed.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            lock.unlock();
        }
    }

    /** Hands the piece that {@link #room} gave to the reader. */
    void filled() {
        advance(true);
    }

    /** Waits for a piece; null once the pipe is broken. */
    Piece next() {
        lock.lock();
        try {
            while (!broken && written == read) {
                changed.awaitUninterruptibly();
            }
            return broken ? null : ring[(int) (read % PIECES)];
        } finally {
            lock.unlock();
        }
    }

    /** Gives the piece that {@link #next} gave back to the writer. */
    void emptied() {
        advance(false);
    }

    private void advance(boolean writer) {
        lock.lock();
        try {
            if (writer) {
                written++;
            } else {
                read++;
            }
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    void breakOff() {
        lock.lock();
        try {
            broken = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
