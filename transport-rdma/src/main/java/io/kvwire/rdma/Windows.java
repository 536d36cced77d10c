package io.kvwire.rdma;

import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * The memory windows of one lane. A frame that is to be written or read by the peer is shown under
 * keys of its own; they are bound ahead of the message that tells them, and invalidated when the
 * frame is over. Confined to the thread of its poller.
 */
final class Windows implements AutoCloseable {
    /** The most that one frame takes; in more registrations than this it is copied. */
    static final int MOST = 8;

    private final Rail rail;
    private final SendWindow window;
    private final QueuePair pair;
    private final List<Window> all = new ArrayList<>();
    private final ArrayDeque<Shown> free = new ArrayDeque<>();
    private final ArrayDeque<Shown> ending = new ArrayDeque<>();
    private final ArrayDeque<Shown> invalidated = new ArrayDeque<>();
    private boolean closed;

    Windows(Rail rail, SendWindow window, QueuePair pair) {
        this.rail = rail;
        this.window = window;
        this.pair = pair;
    }

    /** {@return whether the peer reaches memory through them} */
    boolean any() {
        return rail.windows();
    }

    /**
     * Prepares to show parts of a segment.
     *
     * @throws io.kvwire.transport.TransferException when device or memory cannot
     */
    Shown show(MemorySegment segment, int access) {
        var shown = free.poll();
        if (shown == null) {
            var made = rail.device().window();
            all.add(made);
            shown = new Shown(made, rail.registrations());
        }
        try {
            shown.begin(segment, access);
        } catch (RuntimeException e) {
            free.push(shown);
            throw e;
        }
        return shown;
    }

    /** Binds, ahead of the message that tells the key. */
    void bind(Shown shown) {
        window.add(QueuePair.BIND, false, 0);
        pair.binding(shown.window(), shown.key());
        pair.showing(shown.registration(), shown.start(), shown.bytes(), shown.access());
        shown.bound = true;
    }

    /** Ends what is shown, soon. */
    void end(Shown shown) {
        if (shown.bound && !closed) {
            ending.add(shown);
        } else {
            shown.over();
            free.push(shown);
        }
    }

    /** Invalidates what has ended, as far as there is room; returns whether any went. */
    boolean invalidate() {
        boolean any = false;
        while (!ending.isEmpty() && window.space() > 0) {
            var shown = ending.poll();
            // Nothing may come behind the last one for long, and its registration is waited for.
            boolean signal = ending.isEmpty() || window.space() == 1;
            shown.last = window.add(QueuePair.INVALIDATE, signal, 0);
            pair.invalidating(shown.key());
            invalidated.add(shown);
            any = true;
        }
        return any;
    }

    /** All work requests below a count have succeeded. */
    void done(long count) {
        while (!invalidated.isEmpty() && invalidated.peek().last < count) {
            var shown = invalidated.poll();
            free.push(shown);
            shown.over();
        }
    }

    /**
     * Frees the windows, and with them every key; the queue pair is drained, and destroyed next.
     */
    @Override
    public void close() {
        closed = true;
        while (!all.isEmpty()) {
            all.getLast().close();
            all.removeLast();
        }
        ending.forEach(Shown::over);
        ending.clear();
        invalidated.forEach(Shown::over);
        invalidated.clear();
    }
}
