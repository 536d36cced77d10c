package io.kvwire.rdma;

import java.nio.ByteBuffer;

/**
 * Posts what is due on one lane: answers to the peer, payload, announcements of frames that wait,
 * ends of what was shown, and credit for the receives that the peer has used. Confined to the
 * thread of the lane's {@link Poller}.
 */
final class Departures {
    private final int lane;
    private final SendWindow window;
    private final Windows windows;
    private final Slots slots;
    private final FrameQueue queue;
    private final RdmaOptions options;
    private final int bindings;
    private int owed;

    Departures(int lane, LaneQueues queues, Slots slots, FrameQueue queue, RdmaOptions options) {
        this.lane = lane;
        this.slots = slots;
        this.queue = queue;
        this.options = options;
        window = queues.window();
        windows = queues.windows();
        bindings = windows.any() ? Windows.MOST : 0;
    }

    /** The peer has used a receive. */
    void owe() {
        owed++;
    }

    /** Begins a message, which gives all credit that is owed. */
    void begin(ByteBuffer message, byte type, byte mode, int slot, int other, int size) {
        LaneMessage.begin(message, type, mode, owed, slot, other, size);
        owed = 0;
    }

    /** Adds what there is room for; returns whether there may be more. */
    boolean some() {
        boolean more = slots.reply(window);
        more |= slots.work();
        more |= announceAll();
        more |= windows.invalidate();
        return more;
    }

    /** Gives credit when much is owed, and posts everything that was added. */
    void post() {
        if (2 * owed >= options.credits() && window.mayCredit()) {
            credit(false);
        }
        window.post();
    }

    /**
     * Has the device report what it would not report by itself: whether it ended what is posted.
     */
    void ask() {
        if (window.mayCredit()) {
            credit(true);
            window.post();
        }
    }

    private void credit(boolean signal) {
        begin(window.message(), LaneMessage.CREDIT, (byte) 0, 0, 0, 0);
        window.send(signal);
    }

    private boolean announceAll() {
        boolean any = false;
        while (slots.mayAnnounce() && window.mayMessage() && window.space() >= bindings) {
            var frame = queue.next();
            if (frame == null) {
                break;
            }
            any = true;
            if (!frame.wanted()) {
                queue.giveBack(frame, false);
                continue;
            }
            frame.sending(lane);
            var slot = slots.announce();
            slot.announce(frame, window.message(), options);
            slot.last = window.send(slot.posted());
            if (slot.posted()) {
                slots.awaitLater(slot);
            }
        }
        return any;
    }
}
