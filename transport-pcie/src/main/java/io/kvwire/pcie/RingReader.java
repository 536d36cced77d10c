package io.kvwire.pcie;

import java.lang.foreign.MemorySegment;

/**
 * Reads messages from a ring that the other end writes. Nothing that stands there is trusted: it
 * may even change after it was read. Confined to the thread of its lane.
 */
final class RingReader {
    private final LaneMemory lane;
    private final MemorySegment data;
    private final long size;
    private long head;
    private long at;
    private int length;

    RingReader(LaneMemory lane) {
        this.lane = lane;
        data = lane.data();
        size = data.byteSize();
    }

    MemorySegment data() {
        return data;
    }

    /** {@return whether there is a message, to which it moves} */
    boolean next() {
        long tail = lane.tail();
        while (tail != head) {
            LaneMemory.require(tail - head > 0 && tail - head <= size, "a position of ", tail, "");
            at = head & (size - 1);
            length = LaneMessage.length(data, at);
            LaneMemory.require(
                    length >= LaneMessage.ALIGNMENT
                            && length % LaneMessage.ALIGNMENT == 0
                            && length <= size - at
                            && length <= tail - head,
                    "a message of ",
                    length,
                    " bytes");
            if (LaneMessage.type(data, at) != LaneMessage.PAD) {
                LaneMemory.require(
                        length >= LaneMessage.PREFIX_BYTES, "a message of ", length, " bytes");
                return true;
            }
            done();
        }
        return false;
    }

    /** {@return how far the ring was read; as any other thread sees it, perhaps long ago} */
    long position() {
        return head;
    }

    /** {@return where the message starts in {@link #data}} */
    long at() {
        return at;
    }

    /** {@return its length, padded} */
    int length() {
        return length;
    }

    /** Gives the room of the message back to the other end. */
    void done() {
        head += length;
        lane.head(head);
    }
}
