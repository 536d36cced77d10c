package io.kvwire.rdma;

import io.kvwire.transport.TransferException;

import java.nio.ByteBuffer;

/** A frame on its way over one lane, in either direction. Pooled; confined to one thread. */
abstract class Slot {
    private static final int INDEX_BITS = 8;
    private static final int INDEX_MASK = (1 << INDEX_BITS) - 1;

    final Lane lane;
    final Pieces pieces = new Pieces();
    final RemoteRuns runs = new RemoteRuns();
    final Holds holds;
    final Mover mover;
    private final int index;
    private int use;

    /** The work request whose completion ends what was posted. */
    long last;

    Slot(Lane lane, int index) {
        this.lane = lane;
        this.index = index;
        holds = new Holds(lane.registrations());
        mover = lane.mover();
    }

    /** Starts another use, so that whatever still names the last one is found out. */
    final void reuse() {
        use = (use + 1) & (-1 >>> INDEX_BITS);
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
            while (pieces.next()) {
                var segment = pieces.segment();
                int key = holds.of(segment, access).remoteKey();
                long address = segment.address() + pieces.offset();
                if (!runs.add(address, pieces.length(), key, room / RemoteRuns.ENTRY_BYTES)) {
                    return false;
                }
            }
        } catch (TransferException e) {
            lane.notRegistered(e);
            return false;
        }
        return true;
    }

    /** Lets go of memory and registrations. */
    final void clear() {
        holds.release();
        pieces.clear();
        runs.clear();
    }

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
