package io.kvwire.tcp;

import java.nio.ByteBuffer;

/**
 * Says which bytes of a connection go out next. The socket writes straight from {@link #views}.
 * Confined to the event loop.
 */
abstract class Outlet {
    /**
     * From {@link #head} on to {@link #count}: what {@link #prepare} gathered and is not yet out.
     */
    final ByteBuffer[] views;

    /** The first view that is not empty. */
    int head;

    /** One past the last view in use. */
    int count;

    Outlet(int maxViews) {
        views = new ByteBuffer[maxViews];
    }

    /**
     * Gathers what goes out next, unless something gathered is still left.
     *
     * @return whether there is anything to write now
     */
    abstract boolean prepare();

    /**
     * Takes note that bytes were given to the network.
     *
     * @param bytes from {@link #head} on; the positions of the views have moved already
     */
    abstract void advance(long bytes);

    /** Takes note that nothing will be written any more. Called once. */
    abstract void end();

    /** Skips the views that are written. */
    final void skipWritten() {
        while (head < count && !views[head].hasRemaining()) {
            head++;
        }
    }

    /** {@return whether something gathered is still to be written} */
    final boolean gathered() {
        return head < count;
    }
}
