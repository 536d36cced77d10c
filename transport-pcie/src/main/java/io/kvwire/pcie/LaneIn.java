package io.kvwire.pcie;

import io.kvwire.ffi.Errno;
import io.kvwire.ffi.linux.BulkCopy;
import io.kvwire.ffi.linux.ProcessReads;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.InboundFrame;
import io.kvwire.transport.spi.LinkHandler;
import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;

/**
 * The frames that arrive on a lane. The payload is fetched by this end, which alone writes to its
 * memory: what the sender can do wrong ends at the frame. Confined to the thread of its lane.
 */
final class LaneIn {
    private static final System.Logger LOG = System.getLogger("io.kvwire.pcie");
    private static final int MAX_HEADER_BYTES = 64 << 10;

    /** Messages that are taken before the lane looks after what it sends. */
    private static final int BATCH = 16;

    /** Frames that are fetched before a sender that sleeps is woken to hear of it. */
    private static final int WAKE_EVERY = 8;

    /**
     * Payload from which on copies pass the caches by: the target would not stay in them, or not
     * long.
     */
    private static final long BULK_PAYLOAD_BYTES = 128 << 10;

    /** Bytes of private memory that are read with one call, between two looks at the frame. */
    private static final long READ_BYTES = 1 << 20;

    private final Lane lane;
    private final LinkHandler handler;
    private final LaneMemory memory;
    private final RingReader ring;
    private final Imports imports;
    private final ProcessReads reads;
    private final int pid;
    private final MemorySegment headerMemory;
    private final ByteBuffer header;
    private final Entries entries = new Entries();
    private final EntryRuns runs = new EntryRuns(entries, this::region);
    private final DeviceFetches ofDevices;
    private final boolean bulk = BulkCopy.unavailable().isEmpty();
    private final BulkCopy copies;
    private long fetched;

    // The frame whose payload comes in messages, and where it has got to.
    private InboundFrame current;
    private RunCursor target;
    private long payloadBytes;
    private long left;
    private long runAt;
    private long runLeft;
    private long copyNanos;
    private boolean stopped;

    LaneIn(Lane lane, LinkHandler handler, LaneParts parts, Imports imports) {
        this.lane = lane;
        this.handler = handler;
        this.imports = imports;
        memory = parts.in();
        ring = new RingReader(memory);
        ofDevices = new DeviceFetches(memory);
        pid = parts.peer().pid();
        reads = new ProcessReads(parts.arena(), pid);
        copies = new BulkCopy(parts.arena());
        headerMemory = parts.arena().allocate(MAX_HEADER_BYTES, Long.BYTES);
        header = headerMemory.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }

    /** {@return how many messages there were} */
    int receive() {
        int done = 0;
        while (done < BATCH && ring.next()) {
            boolean piece = current != null;
            message();
            done++;
            // Room in the ring lets the sender go on; what was fetched it only counts.
            if (piece || done % WAKE_EVERY == 0) {
                lane.wakePeer();
            }
            done += lane.lookForMessages();
        }
        if (done > 0) {
            lane.wakePeer();
        }
        return done;
    }

    private void message() {
        byte type = LaneMessage.type(ring.data(), ring.at());
        LaneMemory.require(
                type == (current == null ? LaneMessage.FRAME : LaneMessage.DATA),
                "a message of type ",
                type,
                "");
        if (type == LaneMessage.FRAME) {
            frame();
        } else {
            data();
        }
    }

    private void frame() {
        long at = ring.at();
        var in = ring.data();
        byte mode = LaneMessage.mode(in, at);
        int headerBytes = LaneMessage.header(in, at);
        int count = LaneMessage.entries(in, at);
        long payload = LaneMessage.payload(in, at);
        int room = ring.length() - LaneMessage.PREFIX_BYTES;
        LaneMemory.require(
                headerBytes > 0 && headerBytes <= Math.min(room, MAX_HEADER_BYTES),
                "a header of ",
                headerBytes,
                " bytes");
        room -= LaneMessage.align(headerBytes);
        long behind = at + ring.length() - room;
        // A copy: the other end may still change what stands in the ring.
        MemorySegment.copy(in, at + LaneMessage.PREFIX_BYTES, headerMemory, 0, headerBytes);
        header.position(0).limit(headerBytes);
        LaneMemory.require(payload >= 0, "a payload of ", payload, " bytes");
        switch (mode) {
            case LaneMessage.INLINE -> {
                LaneMemory.require(payload <= room, "a payload of ", payload, " bytes");
                start(payload);
                place(in, behind, payload);
                ring.done();
                end();
            }
            case LaneMessage.COPY -> {
                LaneMemory.require(payload > 0, "a copy of nothing");
                start(payload);
                ring.done();
            }
            case LaneMessage.FETCH -> {
                LaneMemory.require(
                        count > 0 && count <= room / Entries.BYTES, "", count, " entries");
                entries.decode(in, behind, count, payload);
                ring.done();
                fetch(payload);
            }
            default -> LaneMemory.require(false, "a frame of mode ", mode, "");
        }
    }

    // ---- payload that comes through the ring ----------------------------------------------------

    private void start(long payload) {
        current = handler.begin(header, payload);
        target = current.target();
        payloadBytes = payload;
        left = payload;
        runLeft = 0;
        copyNanos = 0;
        stopped = false;
    }

    private void data() {
        long bytes = LaneMessage.payload(ring.data(), ring.at());
        LaneMemory.require(
                bytes > 0 && bytes <= left && bytes <= ring.length() - LaneMessage.PREFIX_BYTES,
                "a piece of ",
                bytes,
                " bytes");
        place(ring.data(), ring.at() + LaneMessage.PREFIX_BYTES, bytes);
        ring.done();
        if (left == 0) {
            end();
        }
    }

    private void place(MemorySegment from, long at, long bytes) {
        long start = System.nanoTime();
        stopped = stopped || current.revoked();
        for (long placed = 0; placed < bytes && !stopped; ) {
            if (runLeft == 0) {
                stopped = !target.next() || current.revoked();
                if (!stopped) {
                    runAt = target.offset();
                    runLeft = target.length();
                }
                continue;
            }
            long count = Math.min(runLeft, bytes - placed);
            MemorySegment.copy(from, at + placed, target.segment(), runAt, count);
            placed += count;
            runAt += count;
            runLeft -= count;
        }
        left -= bytes;
        copyNanos += System.nanoTime() - start;
    }

    private void end() {
        var over = current;
        current = null;
        target = null;
        if (stopped || over.revoked()) {
            over.abort();
        } else {
            over.complete(payloadBytes, copyNanos);
        }
    }

    // ---- payload that is fetched ----------------------------------------------------------------

    private void fetch(long payload) {
        long number = fetched++;
        if (!memory.change(number, FrameState.ANNOUNCED, FrameState.CLAIMED)) {
            return; // withdrawn
        }
        var device = region(entries.firstRegion()).device();
        var frame = handler.begin(header, payload);
        if (device.isPresent()) {
            ofDevices.fetch(number, frame, device.get(), runs.start(device.get()), payload);
            entries.clear();
            return;
        }
        boolean whole = false;
        try {
            whole = !frame.revoked() && copy(frame, payload);
            // From here on the source is the sender's again. If it took it back before, what was
            // copied may be anything, and is not counted.
            whole &= memory.change(number, FrameState.CLAIMED, FrameState.ENDED);
        } finally {
            entries.clear();
            copies.clear();
            if (!whole) {
                frame.abort();
            }
        }
        if (whole) {
            frame.complete(0, 0);
        }
    }

    /** {@return whether all of it was copied; false when it is not wanted any more} */
    private boolean copy(InboundFrame frame, long payload) {
        var to = frame.target();
        reads.clear(); // a frame that was revoked half-way may have left some
        boolean many = bulk && payload >= BULK_PAYLOAD_BYTES;
        boolean fromProcess = false;
        Imports.Region region = null;
        MemorySegment target = null;
        long toAt = 0;
        long toLeft = 0;
        long fromAt = 0;
        long fromLeft = 0;
        for (long rest = payload; rest > 0; ) {
            if (toLeft == 0) {
                if (!to.next()) {
                    return false;
                }
                target = to.segment() == target ? target : hostTarget(to.segment());
                toAt = to.offset();
                toLeft = to.length();
                Objects.checkFromIndexSize(toAt, toLeft, target.byteSize());
            }
            if (fromLeft == 0) {
                entries.next();
                region = entries.first() ? hostRegion() : region;
                fromAt = entries.offset();
                fromLeft = entries.length();
            }
            long bytes = Math.min(toLeft, fromLeft);
            if (!region.mapped()) {
                fromProcess = true;
                if ((reads.full() || reads.bytes() >= READ_BYTES) && !read(frame)) {
                    return false;
                }
                reads.add(target.address() + toAt, region.address() + fromAt, bytes);
            } else if (many) {
                if (copies.room() == 0 && !copyBulk(frame)) {
                    return false;
                }
                bytes = Math.min(bytes, copies.room());
                copies.add(target.address() + toAt, region.shared().address() + fromAt, bytes);
            } else {
                if (frame.revoked()) {
                    return false;
                }
                MemorySegment.copy(region.shared(), fromAt, target, toAt, bytes);
            }
            rest -= bytes;
            toAt += bytes;
            toLeft -= bytes;
            fromAt += bytes;
            fromLeft -= bytes;
        }
        if (!copyBulk(frame) || !read(frame)) {
            return false;
        }
        if (fromProcess) {
            // Another process may have got the number of one that died.
            lane.requirePeer();
        }
        return true;
    }

    /** {@return memory whose addresses may be written to}; fails, saying why, where they may not */
    private static MemorySegment hostTarget(MemorySegment memory) {
        if (!memory.isNative() || !memory.scope().isAlive()) {
            throw new TransferException(
                    ErrorCode.INTERNAL,
                    "memory of the target was freed while it was registered: deregister it first");
        }
        return memory;
    }

    /** Copies the pieces that are listed; {@return false when they are not wanted any more} */
    private boolean copyBulk(InboundFrame frame) {
        if (frame.revoked()) {
            return false;
        }
        copies.run();
        return true;
    }

    /** Reads the pieces that are listed; {@return false when they are not wanted any more} */
    private boolean read(InboundFrame frame) {
        if (frame.revoked()) {
            return false;
        }
        flush();
        return true;
    }

    private Imports.Region region() {
        var region = region(entries.region());
        entries.requireWithin(region.bytes());
        return region;
    }

    private Imports.Region hostRegion() {
        var region = region();
        LaneMemory.require(region.device().isEmpty(), "a frame of a device and the host");
        return region;
    }

    /** {@return a region that the other end has told of, or is about to} */
    Imports.Region region(int id) {
        var region = imports.find(id);
        if (region == null) {
            copies.run(); // a peer may take back now what they come from
            lane.hear(); // it was told of before the frame
            region = imports.find(id);
            LaneMemory.require(region != null, "an unknown region ", id, "");
        }
        return region;
    }

    private void flush() {
        int errno = reads.read();
        if (errno != 0) {
            throw new TransferException(
                    ErrorCode.LANE_LOST,
                    "memory of process "
                            + pid
                            + " could not be read: "
                            + Errno.describe(errno)
                            + "; it may have died");
        }
    }

    /** {@return what devices copy} */
    DeviceFetches ofDevices() {
        return ofDevices;
    }

    /** The lane is at its end: gives the frames back that were arriving. */
    void lost() {
        try {
            ofDevices.drain();
        } catch (TransferException e) {
            LOG.log(System.Logger.Level.WARNING, "at the end of a lane", e);
        }
        if (current != null) {
            stopped = true;
            end();
        }
    }
}
