package io.kvwire.rdma;

import io.kvwire.transport.TransferException;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;

/** A frame on its way over one lane, in either direction. Pooled; confined to one thread. */
abstract class Slot {
    private static final int INDEX_BITS = 8;
    private static final int INDEX_MASK = (1 << INDEX_BITS) - 1;

    final Lane lane;
    final Pieces pieces = new Pieces();
    final RemoteRuns runs = new RemoteRuns();
    final Holds holds;
    private final ArrayList<Shown> shown = new ArrayList<>(2);
    final Mover mover;

    /** What one message carries of the pieces. */
    final Portion portion;

    private final int index;
    private int use;
    private int hiding;
    private long revokeAt;
    private boolean overdue;

    /** The work request whose completion ends what was posted. */
    long last;

    Slot(Lane lane, int index) {
        this.lane = lane;
        this.index = index;
        holds = new Holds(lane.registrations());
        mover = lane.mover();
        portion = new Portion(lane.registrations(), pieces);
    }

    /** Starts another use, so that whatever still names the last one is found out. */
    final void reuse() {
        use = (use + 1) & (-1 >>> INDEX_BITS);
        hiding = 0;
        overdue = false;
        revokeAt = 0;
    }

    /** {@return the name of this use of the slot} */
    final int id() {
        return use << INDEX_BITS | index;
    }

    static int index(int id) {
        return id & INDEX_MASK;
    }

    /**
     * Describes this side's memory to the peer, in {@link #runs}.
     *
     * @param access what the peer is to do with it
     * @param room bytes for the description
     * @return false when it is in too many pieces, or cannot be registered: it has to be copied
     */
    final boolean describe(int access, long payloadBytes, int room) {
        runs.clear();
        if (pieces.survey(payloadBytes / lane.options().minRunBytes() + 1, payloadBytes) <= 0) {
            return false;
        }
        pieces.rewind();
        try {
            boolean fits = true;
            while (fits && pieces.next()) {
                var segment = pieces.segment();
                long address = segment.address() + pieces.offset();
                long bytes = pieces.length();
                fits =
                        mayShow(segment)
                                && runs.add(
                                        address,
                                        bytes,
                                        key(segment, address, bytes, access),
                                        room / RemoteRuns.ENTRY_BYTES);
            }
            if (fits) {
                return true;
            }
        } catch (TransferException e) {
            lane.notRegistered(e);
        }
        hide();
        holds.release();
        return false;
    }

    private boolean mayShow(MemorySegment segment) {
        return !lane.showsThroughWindows()
                || shown.size() < Windows.MOST
                || shown.getLast().of(segment);
    }

    /** {@return the key under which the peer reaches a piece} */
    private int key(MemorySegment segment, long address, long bytes, int access) {
        if (!lane.showsThroughWindows()) {
            return holds.of(segment, access).remoteKey();
        }
        for (int i = shown.size() - 1; i >= 0; i--) {
            var known = shown.get(i);
            if (known.of(segment)) {
                known.extend(address, bytes);
                return known.key();
            }
        }
        var more = lane.windows().show(segment, access);
        shown.add(more);
        more.extend(address, bytes);
        return more.key();
    }

    /** {@return how many work requests go ahead of the message that tells the keys} */
    final int bindings() {
        int count = 0;
        for (int i = 0; i < shown.size(); i++) {
            count += shown.get(i).bound ? 0 : 1;
        }
        return count;
    }

    /** Binds what is to be shown, ahead of the message that tells the keys. */
    final void bind() {
        for (int i = 0; i < shown.size(); i++) {
            if (!shown.get(i).bound) {
                lane.windows().bind(shown.get(i));
            }
        }
    }

    private void hide() {
        for (int i = 0; i < shown.size(); i++) {
            lane.windows().end(shown.get(i));
        }
        shown.clear();
    }

    /**
     * Takes the peer's keys away when its owner has wanted the memory back for a while; {@link
     * #revoked} follows. A peer that uses them later loses the lane, and so does a device that does
     * not take them away.
     */
    final void revokeLate(long now) {
        if (hiding > 0) {
            if (now - revokeAt >= lane.options().drainNanos()) {
                revokeAt = now;
                lane.standsStill();
            }
            return;
        }
        if (shown.isEmpty()) {
            return;
        }
        if (!overdue) {
            overdue = true;
            revokeAt = now + lane.options().revokeNanos();
        }
        if (now - revokeAt >= 0) {
            hiding = shown.size();
            revokeAt = now;
            for (int i = 0; i < shown.size(); i++) {
                shown.get(i).tell(this);
            }
            hide();
        }
    }

    /** One of the keys is taken away. */
    final void hidden() {
        hiding--;
        if (hiding == 0) {
            revoked();
        }
    }

    /** Lets go of memory and registrations. */
    final void clear() {
        hide();
        holds.release();
        pieces.clear();
        runs.clear();
    }

    /** The peer can reach the memory no more, though it has not said that it is done with it. */
    abstract void revoked();

    /** Writes the message that is due. */
    abstract void reply(ByteBuffer out);

    /** {@return whether everything is posted; called again when there is room} */
    abstract boolean step();

    /** The work request {@link #last}, and with it all before, has succeeded. */
    abstract void arrived();

    /** The lane is dead and drained: gives the frame back. */
    abstract void lost();

    /** {@return whether a frame is in it} */
    abstract boolean busy();
}
