package io.kvwire.tcp;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The control messages that wait to be sent: any thread adds to one buffer while the event loop
 * empties the other, and then they change places. Allocates nothing once warm.
 */
final class ControlOutlet extends Outlet {
    private static final int BUFFER_BYTES = 16 << 10;

    private final Object lock = new Object();
    private final int maxWaitingBytes;
    private final Runnable drained;
    private ByteBuffer filling = direct(BUFFER_BYTES);
    private ByteBuffer draining = direct(BUFFER_BYTES).limit(0);
    private int drainingLeft;
    private boolean idle = true;
    private boolean closed;

    /** What became of a message. */
    enum Offer {
        /** It waits, and the event loop knows already that something does. */
        TAKEN,
        /** It waits, and the event loop must be told. */
        WAKE,
        /** Too much is waiting, or the connection is closed. */
        REFUSED
    }

    /**
     * @param maxWaitingBytes beyond this, messages are refused
     * @param drained runs when everything is out after {@link #refuse}
     */
    ControlOutlet(int maxWaitingBytes, Runnable drained) {
        super(new BufferPieces(1));
        this.maxWaitingBytes = maxWaitingBytes;
        this.drained = drained;
    }

    /** Copies a message to the end of those that wait; any thread. */
    Offer offer(ControlFrame.Kind kind, ByteBuffer message) {
        int bytes = ControlFrame.HEADER_BYTES + message.remaining();
        synchronized (lock) {
            if (closed || filling.position() + (long) drainingLeft + bytes > maxWaitingBytes) {
                return Offer.REFUSED;
            }
            if (filling.remaining() < bytes) {
                grow(filling.position() + bytes);
            }
            ControlFrame.putHeader(filling, kind, message.remaining());
            filling.put(message.duplicate());
            var offer = idle ? Offer.WAKE : Offer.TAKEN;
            idle = false;
            return offer;
        }
    }

    /** Refuses all further messages; any thread. */
    void refuse() {
        synchronized (lock) {
            closed = true;
        }
    }

    /** {@return whether everything is out; any thread} */
    boolean empty() {
        synchronized (lock) {
            return idle;
        }
    }

    @Override
    boolean prepare() {
        if (gathered()) {
            return true;
        }
        synchronized (lock) {
            if (filling.position() == 0) {
                if (closed && !idle) {
                    drained.run();
                }
                idle = true;
                return false;
            }
            var full = filling;
            filling =
                    draining.capacity() > 16 * BUFFER_BYTES
                            ? direct(BUFFER_BYTES)
                            : draining.clear();
            draining = full.flip();
            drainingLeft = draining.remaining();
        }
        pieces.clear();
        pieces.add(draining);
        return true;
    }

    @Override
    void advance(long bytes) {
        synchronized (lock) {
            drainingLeft = draining.remaining();
        }
    }

    @Override
    void end() {
        refuse();
        pieces.clear();
    }

    private void grow(int needed) {
        int capacity = Math.clamp(2L * filling.capacity(), needed, maxWaitingBytes);
        filling = direct(capacity).put(filling.flip());
    }

    private static ByteBuffer direct(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
