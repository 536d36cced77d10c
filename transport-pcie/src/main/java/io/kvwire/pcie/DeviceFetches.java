package io.kvwire.pcie;

import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.InboundFrame;
import io.kvwire.transport.spi.PeerMemory;
import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Optional;

/**
 * Frames whose payload is memory of a device of the other process. Where the target is memory of
 * the same device, or one that it reaches, the device copies on its own while the lane goes on; any
 * other target is reached through memory of the host. Confined to the thread of its lane.
 */
final class DeviceFetches {
    private final LaneMemory states;
    private final ArrayDeque<Fetch> running = new ArrayDeque<>();
    private MemorySegment bounce = MemorySegment.NULL;

    /** A frame that is being copied. */
    private record Fetch(long number, InboundFrame frame, PeerMemory.Copy copy) {}

    DeviceFetches(LaneMemory states) {
        this.states = states;
    }

    /** {@return whether copies run that {@link #settle} has to end} */
    boolean any() {
        return !running.isEmpty();
    }

    /**
     * Takes a frame that was claimed.
     *
     * @param number of the frame
     * @param source the runs of its payload, all of the device
     */
    void fetch(long number, InboundFrame frame, DeviceMemory device, RunCursor source, long bytes) {
        LaneMemory.require(running.size() < states.frames(), "more frames than there may be");
        boolean passedOn = false;
        try {
            if (!frame.revoked() && frame.direct(device)) {
                var copy = device.peerMemory().orElseThrow().start(source, frame.target());
                running.add(new Fetch(number, frame, copy));
                passedOn = true;
                return;
            }
            long start = System.nanoTime();
            boolean whole = !frame.revoked() && bring(frame, device, source, bytes);
            whole &= states.change(number, FrameState.CLAIMED, FrameState.ENDED);
            if (whole) {
                passedOn = true;
                frame.complete(bytes, System.nanoTime() - start);
            }
        } finally {
            if (!passedOn) {
                frame.abort();
            }
        }
    }

    /** Copies through memory of the host; false when the frame is not wanted any more. */
    private boolean bring(InboundFrame frame, DeviceMemory device, RunCursor source, long bytes) {
        if (bounce.byteSize() < bytes) {
            bounce = Arena.ofAuto().allocate(bytes, 64);
        }
        device.gather(source, bounce.asSlice(0, bytes));
        var to = frame.target();
        for (long at = 0; at < bytes; at += to.length()) {
            if (!to.next() || frame.revoked()) {
                return false;
            }
            MemorySegment.copy(bounce, at, to.segment(), to.offset(), to.length());
        }
        return true;
    }

    /** {@return how many copies have ended since} */
    int settle() {
        int done = 0;
        while (!running.isEmpty() && running.getFirst().copy().isDone()) {
            end(running.removeFirst());
            done++;
        }
        return done;
    }

    /** Waits for all copies: what they read, or write, is about to be given back. */
    void drain() {
        Optional<TransferException> failure = Optional.empty();
        while (!running.isEmpty()) {
            try {
                end(running.removeFirst());
            } catch (TransferException e) {
                failure = Optional.of(e);
            }
        }
        failure.ifPresent(e -> {
            throw e;
        });
    }

    private void end(Fetch fetch) {
        boolean whole = false;
        try {
            fetch.copy().close();
            // From here on the source is the sender's again. If it took it back before, what was
            // copied may be anything, and is not counted.
            whole = states.change(fetch.number(), FrameState.CLAIMED, FrameState.ENDED);
        } finally {
            if (whole) {
                fetch.frame().complete(0, 0);
            } else {
                fetch.frame().abort();
            }
        }
    }
}
