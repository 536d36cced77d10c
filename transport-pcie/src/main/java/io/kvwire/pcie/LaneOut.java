package io.kvwire.pcie;

import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.OutboundFrame;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.function.Function;

/** The frames that a lane sends. Confined to the thread of its lane. */
final class LaneOut {
    private final Lane lane;
    private final LaneQueue queue;
    private final LaneMemory memory;
    private final RingWriter ring;
    private final ByteBuffer view;
    private final PcieOptions options;
    private final Pieces pieces = new Pieces();
    private final Entries entries = new Entries();
    private final Function<MemorySegment, Exports.Export> ofHost;
    private final Function<MemorySegment, Exports.Export> ofDevices;
    private MemorySegment brought = MemorySegment.NULL;

    // Frames that the other end may fetch, by number; null for one that was withdrawn.
    private final OutboundFrame[] announced;
    private long oldest;
    private long next;

    // The frame that is about to be announced, and how.
    private OutboundFrame pending;
    private byte mode;
    private int messageBytes;

    // The frame whose payload goes through the ring.
    private OutboundFrame copying;
    private long copyLeft;

    LaneOut(Lane lane, LaneQueue queue, LaneMemory memory, Exports exports, PcieOptions options) {
        this.lane = lane;
        this.queue = queue;
        this.memory = memory;
        ofHost = exports::of;
        ofDevices = exports.ofDevices()::of;
        this.options = options;
        ring = new RingWriter(memory);
        view = memory.data().asByteBuffer();
        announced = new OutboundFrame[memory.frames()];
    }

    /** {@return how much there was to do} */
    int pump() {
        int done = settle();
        done += copyOn();
        while (copying == null) {
            if (pending == null) {
                pending = queue.next();
                if (pending == null) {
                    break;
                }
                if (pending.wanted()) {
                    decide();
                }
            }
            if (!pending.wanted()) {
                giveBackPending();
            } else if (!announce()) {
                break;
            }
            done++;
        }
        return done;
    }

    private void giveBackPending() {
        var frame = pending;
        pending = null;
        pieces.clear();
        queue.giveBack(frame, false);
    }

    /** Gives back what the other end has fetched. */
    private int settle() {
        int done = 0;
        while (oldest < next) {
            var frame = announced[slot(oldest)];
            if (frame != null) {
                if (!memory.ended(oldest)) {
                    break;
                }
                announced[slot(oldest)] = null;
                queue.giveBack(frame, true);
            }
            oldest++;
            done++;
        }
        return done;
    }

    private int slot(long frame) {
        return (int) (frame % announced.length);
    }

    // ---- how a frame travels --------------------------------------------------------------------

    private void decide() {
        long payload = pending.payloadBytes();
        int prefix = LaneMessage.PREFIX_BYTES + LaneMessage.align(pending.header().remaining());
        if (pending.device().isPresent()) {
            decide(pending.device().get(), payload, prefix);
            return;
        }
        if (payload <= options.eagerBytes()) {
            pieces.survey(pending.payload(), payload, 0);
            set(LaneMessage.INLINE, prefix + (int) payload);
            return;
        }
        long mostPieces = payload / options.minRunBytes() + 1;
        if (pieces.survey(pending.payload(), payload, mostPieces)
                && describe(mostEntries(prefix), ofHost)) {
            set(LaneMessage.FETCH, prefix + entries.size() * Entries.BYTES);
        } else {
            pieces.rewind();
            set(LaneMessage.COPY, prefix);
        }
    }

    /** The payload is memory of a device, which only the device itself, here or there, reads. */
    private void decide(DeviceMemory device, long payload, int prefix) {
        pieces.survey(pending.payload(), payload, payload);
        if (describe(mostEntries(prefix), ofDevices)) {
            set(LaneMessage.FETCH, prefix + entries.size() * Entries.BYTES);
            return;
        }
        // The other end has closed it meanwhile, or it is in too many pieces.
        if (brought.byteSize() < payload) {
            brought = Arena.ofAuto().allocate(payload, 64);
        }
        var memory = brought.asSlice(0, payload);
        pieces.rewind();
        device.gather(pieces, memory);
        pieces.replace(memory);
        set(LaneMessage.COPY, prefix);
    }

    private int mostEntries(int prefix) {
        return (ring.maxMessage() - prefix) / Entries.BYTES;
    }

    private void set(byte how, int bytes) {
        mode = how;
        messageBytes = LaneMessage.align(bytes);
    }

    /** {@return whether the other end can be told where the payload lies} */
    private boolean describe(int most, Function<MemorySegment, Exports.Export> known) {
        entries.clear();
        while (pieces.next()) {
            var export = known.apply(pieces.segment());
            if (!export.possible()
                    || !entries.add(
                            export.region(),
                            export.base() + pieces.offset(),
                            pieces.length(),
                            most)) {
                return false;
            }
        }
        return true;
    }

    // ---- sending --------------------------------------------------------------------------------

    /** {@return false when there is no room yet} */
    private boolean announce() {
        if (mode == LaneMessage.FETCH && next - oldest == announced.length) {
            return false;
        }
        long at = ring.reserve(messageBytes);
        if (at < 0) {
            return false;
        }
        var frame = pending;
        pending = null;
        frame.sending(lane.index());
        long behind = write(frame, at);
        if (mode == LaneMessage.FETCH) {
            entries.encode(ring.data(), behind);
            memory.announce(next);
            announced[slot(next)] = frame;
            next++;
            pieces.clear();
            publish();
        } else if (mode == LaneMessage.INLINE) {
            pieces.copy(ring.data(), behind, frame.payloadBytes());
            pieces.clear();
            publish();
            queue.giveBack(frame, true);
        } else {
            copying = frame;
            copyLeft = frame.payloadBytes();
            publish();
            copyOn();
        }
        return true;
    }

    private void publish() {
        ring.publish(messageBytes);
        lane.wakePeer();
    }

    /** Writes prefix and header; returns where what belongs to the mode goes. */
    private long write(OutboundFrame frame, long at) {
        var header = frame.header();
        int headerBytes = header.remaining();
        var data = ring.data();
        LaneMessage.begin(data, at, messageBytes, LaneMessage.FRAME, mode);
        int count = mode == LaneMessage.FETCH ? entries.size() : 0;
        LaneMessage.sizes(data, at, headerBytes, count, frame.payloadBytes());
        long to = at + LaneMessage.PREFIX_BYTES;
        view.put((int) to, header, header.position(), headerBytes);
        return to + LaneMessage.align(headerBytes);
    }

    /** Copies payload into the ring as far as there is room. */
    private int copyOn() {
        int done = 0;
        while (copying != null) {
            int chunk = (int) Math.min(copyLeft, ring.maxMessage() / 2);
            int bytes = LaneMessage.align(LaneMessage.PREFIX_BYTES + chunk);
            long at = ring.reserve(bytes);
            if (at < 0) {
                break;
            }
            LaneMessage.begin(ring.data(), at, bytes, LaneMessage.DATA, (byte) 0);
            LaneMessage.sizes(ring.data(), at, 0, 0, chunk);
            pieces.copy(ring.data(), at + LaneMessage.PREFIX_BYTES, chunk);
            ring.publish(bytes);
            lane.wakePeer();
            copyLeft -= chunk;
            done++;
            if (copyLeft == 0) {
                var frame = copying;
                copying = null;
                pieces.clear();
                queue.giveBack(frame, true);
            }
        }
        return done;
    }

    // ---- the end --------------------------------------------------------------------------------

    /** Takes back frames that nobody wants any more, as far as the other end has not begun. */
    void sweep() {
        for (long n = oldest; n < next; n++) {
            var frame = announced[slot(n)];
            if (frame != null
                    && !frame.wanted()
                    && memory.change(n, FrameState.ANNOUNCED, FrameState.GONE)) {
                announced[slot(n)] = null;
                queue.giveBack(frame, false);
            }
        }
    }

    /**
     * The lane is at its end: takes every frame back. What the other end has claimed it may still
     * read, but not count: it will find that the frame is gone.
     */
    void lost() {
        for (; oldest < next; oldest++) {
            var frame = announced[slot(oldest)];
            announced[slot(oldest)] = null;
            if (frame != null) {
                boolean back =
                        memory.change(oldest, FrameState.ANNOUNCED, FrameState.GONE)
                                || memory.change(oldest, FrameState.CLAIMED, FrameState.GONE);
                queue.giveBack(frame, !back && memory.ended(oldest));
            }
        }
        if (pending != null) {
            giveBackPending();
        }
        if (copying != null) {
            var frame = copying;
            copying = null;
            pieces.clear();
            queue.giveBack(frame, false);
        }
    }
}
