package io.kvwire.pcie;

import java.lang.foreign.MemorySegment;

/** Writes messages into a ring that the other end reads. Confined to the thread of its lane. */
final class RingWriter {
    /** A message takes at most this share of the ring, so that several fit. */
    private static final int SHARES = 4;

    private final LaneMemory lane;
    private final MemorySegment data;
    private final long size;
    private long tail;
    private long head;

    RingWriter(LaneMemory lane) {
        this.lane = lane;
        data = lane.data();
        size = data.byteSize();
    }

    /** {@return the longest message} */
    int maxMessage() {
        return (int) (size / SHARES);
    }

    MemorySegment data() {
        return data;
    }

    /**
     * Makes room for a message without a gap.
     *
     * @param bytes its length, aligned
     * @return where it starts in {@link #data}, or -1 when there is no room yet
     */
    long reserve(int bytes) {
        long at = tail & (size - 1);
        long pad = at + bytes > size ? size - at : 0;
        if (size - (tail - head) < pad + bytes) {
            long now = lane.head();
            LaneMemory.require(now - head >= 0 && now <= tail, "a read position of ", now, "");
            head = now;
            if (size - (tail - head) < pad + bytes) {
                return -1;
            }
        }
        if (pad > 0) {
            LaneMessage.begin(data, at, (int) pad, LaneMessage.PAD, (byte) 0);
            tail += pad;
            at = 0;
        }
        return at;
    }

    /** Lets the other end see the message that was written where {@link #reserve} said. */
    void publish(int bytes) {
        tail += bytes;
        lane.tail(tail);
    }
}
