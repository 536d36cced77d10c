package io.kvwire.tcp;

import java.nio.ByteBuffer;

/**
 * Says where the next bytes of a connection go, and makes sense of them once they are there. The
 * socket reads straight into {@link #pieces}; nothing lies in between. Confined to the event loop.
 */
abstract class Inlet {
    /** Room for the bytes that come next. */
    final Pieces pieces;

    Inlet(Pieces pieces) {
        this.pieces = pieces;
    }

    /** Fills {@link #pieces} with room for at least one byte. */
    abstract void prepare();

    /**
     * Takes note that bytes have arrived; the positions of buffers among the pieces have moved.
     *
     * @param bytes filled from the start of what {@link #prepare} gave, at least 1
     * @return what takes the bytes after these: usually this
     */
    abstract Inlet advance(int bytes);

    /** Takes note that no more bytes come. Called once. */
    abstract void end();

    /**
     * Copies bytes to where they go, for connections whose bytes arrive elsewhere first.
     *
     * @param source emptied
     * @return what takes the bytes after these
     */
    final Inlet copyFrom(ByteBuffer source) {
        Inlet inlet = this;
        while (source.hasRemaining()) {
            inlet.prepare();
            inlet = inlet.advance(inlet.fill(source));
        }
        return inlet;
    }

    /** Copies what fits into the pieces; a subclass may time it. */
    int fill(ByteBuffer source) {
        int before = source.remaining();
        ((BufferPieces) pieces).fill(source);
        return before - source.remaining();
    }
}
