package io.kvwire.rdma;

import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.InboundFrame;
import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * The next so many bytes of a frame's pieces, as one message carries them: copied by the host, or
 * by the device whose memory they are. Goes on where the portion before has ended. Reused; confined
 * to one thread.
 */
final class Portion implements RunCursor {
    private final Registrations registrations;
    private final Pieces pieces;
    private Optional<DeviceMemory> device = Optional.empty();
    private long pieceAt;
    private long pieceLeft;
    private long left;
    private long offset;
    private long length;

    Portion(Registrations registrations, Pieces pieces) {
        this.registrations = registrations;
        this.pieces = pieces;
    }

    /** Goes back to the first piece, of which at least that has been looked at. */
    void start() {
        pieces.rewind();
        pieceLeft = 0;
        left = 0;
        device = pieces.any() ? registrations.deviceOf(pieces.first()) : Optional.empty();
    }

    /** {@return whether the pieces are memory that the host must not touch} */
    boolean onDevice() {
        return device.isPresent();
    }

    @Override
    public boolean next() {
        if (left == 0) {
            return false;
        }
        if (pieceLeft == 0) {
            if (!pieces.next()) {
                return false;
            }
            pieceAt = pieces.offset();
            pieceLeft = pieces.length();
        }
        offset = pieceAt;
        length = Math.min(pieceLeft, left);
        pieceAt += length;
        pieceLeft -= length;
        left -= length;
        return true;
    }

    @Override
    public MemorySegment segment() {
        return pieces.segment();
    }

    @Override
    public long offset() {
        return offset;
    }

    @Override
    public long length() {
        return length;
    }

    /**
     * Copies the next bytes to memory of the host.
     *
     * @throws io.kvwire.transport.TransferException when the pieces have fewer
     */
    void copyTo(MemorySegment target, long at, long bytes) {
        left = bytes;
        if (device.isPresent()) {
            device.get().gather(this, target.asSlice(at, bytes));
        } else {
            for (long to = at; next(); to += length) {
                MemorySegment.copy(segment(), offset, target, to, length);
            }
        }
        if (left > 0) {
            throw Pieces.shortRuns(left);
        }
    }

    /**
     * Copies memory of the host to the next bytes.
     *
     * @return whether all have found their place; false, too, when the frame was revoked meanwhile,
     *     and then nothing more is to be copied
     */
    boolean copyFrom(MemorySegment source, long at, long bytes, InboundFrame frame) {
        if (frame.revoked()) {
            return false;
        }
        left = bytes;
        if (device.isPresent()) {
            device.get().scatter(source.asSlice(at, bytes), this);
            return left == 0;
        }
        for (long from = at; next(); from += length) {
            if (frame.revoked()) {
                return false;
            }
            MemorySegment.copy(source, from, segment(), offset, length);
        }
        return left == 0;
    }
}
