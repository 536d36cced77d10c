package io.kvwire.rdma;

import java.util.ArrayDeque;

/**
 * The frames that are on their way over one lane, in both directions, and what is to be done for
 * them next. Confined to the thread of the lane's {@link Poller}.
 */
final class Slots {
    private final Outbound[] out;
    private final Inbound[] in;
    private final Inbound eager;
    private final ArrayDeque<Outbound> freeOut = new ArrayDeque<>();
    private final ArrayDeque<Inbound> freeIn = new ArrayDeque<>();
    private final ArrayDeque<Slot> replies = new ArrayDeque<>();
    private final ArrayDeque<Slot> works = new ArrayDeque<>();
    private final ArrayDeque<Slot> awaiting = new ArrayDeque<>();

    Slots(Lane lane, int frames) {
        out = new Outbound[frames];
        in = new Inbound[frames];
        for (int i = 0; i < frames; i++) {
            out[i] = new Outbound(lane, i);
            in[i] = new Inbound(lane, i);
            freeOut.add(out[i]);
            freeIn.add(in[i]);
        }
        eager = new Inbound(lane, frames);
    }

    /** {@return the frame that the peer names by the id of a slot} */
    Outbound outbound(int id) {
        int at = Slot.index(id);
        LinkOffer.require(at < out.length && out[at].id() == id && out[at].busy(), "slot " + id);
        return out[at];
    }

    /** {@return the frame that the peer names by the id of a slot} */
    Inbound inbound(int id) {
        int at = Slot.index(id);
        LinkOffer.require(at < in.length && in[at].id() == id && in[at].busy(), "slot " + id);
        return in[at];
    }

    /** {@return the slot of frames that are over as soon as they have come} */
    Inbound eager() {
        return eager;
    }

    boolean mayBegin() {
        return !freeIn.isEmpty();
    }

    /** {@return a slot for a frame that comes; {@link #mayBegin} was asked before} */
    Inbound begin() {
        return freeIn.pop();
    }

    boolean mayAnnounce() {
        return !freeOut.isEmpty();
    }

    /** {@return a slot for a frame that goes; {@link #mayAnnounce} was asked before} */
    Outbound announce() {
        return freeOut.pop();
    }

    void freed(Outbound slot) {
        freeOut.push(slot);
    }

    void freed(Inbound slot) {
        freeIn.push(slot);
    }

    void replyLater(Slot slot) {
        replies.add(slot);
    }

    void workLater(Slot slot) {
        works.add(slot);
    }

    void awaitLater(Slot slot) {
        awaiting.add(slot);
    }

    /** Sends messages that are due, as far as there is room; returns whether any went. */
    boolean reply(SendWindow window) {
        boolean any = false;
        while (!replies.isEmpty()
                && window.mayMessage()
                && window.space() >= replies.peek().bindings()) {
            replies.poll().reply(window.message());
            window.send(false);
            any = true;
        }
        return any;
    }

    /** Moves payload, as far as there is room; returns whether a frame got done with that. */
    boolean work() {
        boolean any = false;
        for (int i = works.size(); i > 0; i--) {
            var slot = works.poll();
            if (slot.step()) {
                any = true;
            } else {
                works.add(slot);
            }
        }
        return any;
    }

    /** {@return a frame whose last work request is below a count, or null; taken out} */
    Slot arrived(long done) {
        return !awaiting.isEmpty() && awaiting.peek().last < done ? awaiting.poll() : null;
    }

    /** Gives back what waits for the peer's word and nobody wants any more. */
    void sweep(long now) {
        for (var slot : out) {
            slot.sweep(now);
        }
        for (var slot : in) {
            slot.sweep(now);
        }
    }

    /** Gives everything back; the lane is dead and drained. */
    void lost() {
        for (var slot : out) {
            if (slot.busy()) {
                slot.lost();
            }
        }
        for (var slot : in) {
            if (slot.busy()) {
                slot.lost();
            }
        }
    }
}
