package io.kvwire.tcp;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Takes control messages apart, in the buffer that the socket read them into. The buffer grows with
 * the bytes that have arrived, not with the length that a message announces. Confined to the event
 * loop; allocates nothing once warm.
 */
final class ControlReader extends Inlet {
    /** Receives messages. */
    interface Receiver {
        /**
         * Takes a message.
         *
         * @param kind of it
         * @param message little-endian; only valid during the call
         */
        void received(ControlFrame.Kind kind, ByteBuffer message);
    }

    private static final int BUFFER_BYTES = 64 << 10;

    private final int maxBytes;
    private final Receiver receiver;
    private ByteBuffer buffer = direct(BUFFER_BYTES);
    private ByteBuffer message = view(buffer);
    private int start;

    /** How much the message at {@link #start} needs, header and all. */
    private int needed = ControlFrame.HEADER_BYTES;

    private boolean ended;

    /**
     * @param maxBytes of one message
     * @param receiver takes them
     */
    ControlReader(int maxBytes, Receiver receiver) {
        super(new BufferPieces(1));
        this.maxBytes = maxBytes;
        this.receiver = receiver;
    }

    @Override
    void prepare() {
        int end = buffer.position();
        if (start == end) {
            start = 0;
            if (buffer.capacity() > BUFFER_BYTES && needed <= BUFFER_BYTES) {
                replace(BUFFER_BYTES);
            }
            buffer.clear();
        } else if (start + needed > buffer.capacity() || !buffer.hasRemaining()) {
            makeRoom(end);
        }
        pieces.clear();
        pieces.add(buffer);
    }

    @Override
    Inlet advance(int bytes) {
        int end = buffer.position();
        while (!ended && end - start >= needed) {
            var kind = ControlFrame.kind(buffer, start);
            int length = ControlFrame.length(buffer, start, maxBytes);
            needed = ControlFrame.HEADER_BYTES + length;
            if (end - start < needed) {
                break;
            }
            int body = start + ControlFrame.HEADER_BYTES;
            start += needed;
            needed = ControlFrame.HEADER_BYTES;
            receiver.received(kind, message.limit(body + length).position(body));
        }
        return this;
    }

    @Override
    void end() {
        ended = true;
    }

    /** {@return whether the connection is in the middle of a message} */
    boolean inMessage() {
        return buffer.position() > start;
    }

    private void makeRoom(int end) {
        int arrived = end - start;
        // Doubling: what is allocated is at most twice what has arrived.
        int capacity =
                arrived < buffer.capacity()
                        ? buffer.capacity()
                        : Math.min(Math.max(needed, BUFFER_BYTES), 2 * buffer.capacity());
        buffer.limit(end).position(start);
        if (capacity == buffer.capacity()) {
            buffer.compact();
        } else {
            buffer = direct(capacity).put(buffer);
            message = view(buffer);
        }
        start = 0;
    }

    private void replace(int capacity) {
        buffer = direct(capacity);
        message = view(buffer);
    }

    private static ByteBuffer direct(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static ByteBuffer view(ByteBuffer of) {
        return of.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    }
}
