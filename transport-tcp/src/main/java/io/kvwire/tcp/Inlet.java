package io.kvwire.tcp;

import java.nio.ByteBuffer;

/**
 * Says where the next bytes of a connection go, and makes sense of them once they are there. The
 * socket reads straight into {@link #views}; nothing lies in between. Confined to the event loop.
 */
abstract class Inlet {
    /**
     * Filled by {@link #prepare}; the first {@link #count} are in use, in the order of the bytes.
     */
    final ByteBuffer[] views;

    /** How many of {@link #views} are in use. */
    int count;

    Inlet(int maxViews) {
        views = new ByteBuffer[maxViews];
    }

    /** Fills {@link #views} with room for at least one byte. */
    abstract void prepare();

    /**
     * Takes note that bytes have arrived.
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

    /** Copies what fits into the views; a subclass may time it. */
    int fill(ByteBuffer source) {
        int before = source.remaining();
        int end = source.limit();
        for (int i = 0; i < count && source.hasRemaining(); i++) {
            source.limit(Math.min(end, source.position() + views[i].remaining()));
            views[i].put(source);
            source.limit(end);
        }
        return before - source.remaining();
    }

    /** {@return how many bytes the views have room for} */
    final int room() {
        int bytes = 0;
        for (int i = 0; i < count; i++) {
            bytes += views[i].remaining();
        }
        return bytes;
    }
}
