package io.kvwire.pcie;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.MemoryGrant;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * Memory of this process that the other end of a lane reads in place. Its token names regions of
 * the lane, as docs/spec/wire-format.md fixes it.
 */
final class HostGrant implements MemoryGrant {
    /** Region and offset of the mark, its stamp, and how many segments follow. */
    static final int HEAD_BYTES = 2 * Integer.BYTES + 2 * Long.BYTES;

    /** Region, where the segment starts in it, and its length. */
    static final int SEGMENT_BYTES = Integer.BYTES + 2 * Long.BYTES;

    private final Marks marks;
    private final Marks.Mark mark;
    private final byte[] token;

    private HostGrant(Marks marks, Marks.Mark mark, byte[] token) {
        this.marks = marks;
        this.mark = mark;
        this.token = token;
    }

    /** Makes a grant, on the thread of the lane. */
    static HostGrant of(Lane lane, List<MemorySegment> memory, Marks marks) {
        var mark = marks.take();
        try {
            var out =
                    ByteBuffer.allocate(Integer.BYTES + HEAD_BYTES + memory.size() * SEGMENT_BYTES)
                            .order(ByteOrder.LITTLE_ENDIAN);
            var place = shown(lane, mark.page());
            out.putInt(lane.index()).putInt(place.region());
            out.putLong(place.base() + mark.offset()).putLong(mark.stamp());
            out.putInt(memory.size());
            for (var segment : memory) {
                var at = shown(lane, segment);
                out.putInt(at.region()).putLong(at.base()).putLong(segment.byteSize());
            }
            return new HostGrant(marks, mark, out.array());
        } catch (TransferException e) {
            marks.clear(mark);
            throw e;
        }
    }

    private static Exports.Export shown(Lane lane, MemorySegment segment) {
        if (SharedChunk.of(segment).isEmpty()) {
            throw new TransferException(
                    ErrorCode.PATH_UNAVAILABLE,
                    "the cache lies in private memory, which no other process reads in place:"
                            + " allocate it from a SharedArena, or READ the blocks");
        }
        var export = lane.exports().of(segment);
        if (!export.possible()) {
            throw new TransferException(
                    ErrorCode.RESOURCE_EXHAUSTED,
                    "the peer takes no more memory at the moment: READ the blocks, or try again");
        }
        return export;
    }

    @Override
    public byte[] token() {
        return token;
    }

    @Override
    public void revoke() {
        marks.clear(mark);
    }
}
