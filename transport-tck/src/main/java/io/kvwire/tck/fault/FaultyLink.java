package io.kvwire.tck.fault;

import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DataLink;
import io.kvwire.transport.spi.LinkHandler;
import io.kvwire.transport.spi.MessageLane;
import io.kvwire.transport.spi.OutboundFrame;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A link that delays, drops and holds the frames it is given. */
final class FaultyLink implements DataLink, LinkTap {
    private final NodeFaults faults;
    private final FaultyHandler inbound;
    private final Set<OutboundFrame> waiting =
            Collections.synchronizedSet(Collections.newSetFromMap(new IdentityHashMap<>()));
    private volatile DataLink link;
    private volatile boolean closed;

    FaultyLink(NodeFaults faults, LinkHandler handler) {
        this.faults = faults;
        inbound = new FaultyHandler(faults, handler, this);
    }

    @Override
    public LinkHandler inbound() {
        return inbound;
    }

    @Override
    public DataLink over(DataLink real) {
        link = real;
        if (!closed) {
            faults.opened(this);
        }
        if (faults.presence() == NodeFaults.Presence.DEAD) {
            real.close(FaultyControlLink.dead());
        }
        return this;
    }

    @Override
    public int lanes() {
        return link.lanes();
    }

    @Override
    public Map<String, String> details() {
        return link.details();
    }

    @Override
    public Optional<MessageLane> messages() {
        return link.messages();
    }

    @Override
    public boolean fetches(MemorySegment memory) {
        return link.fetches(memory);
    }

    @Override
    public void send(OutboundFrame frame) {
        if (faults.holding()) {
            waiting.add(frame);
            if (closed || !faults.holding()) {
                pass(frame);
            }
        } else if (faults.fate().strikes(Fault.DROP_FRAME)) {
            frame.sending(0);
            frame.released(true);
        } else if (faults.fate().strikes(Fault.DELAY_FRAME)) {
            waiting.add(frame);
            faults.later(() -> pass(frame));
            if (closed) {
                pass(frame);
            }
        } else {
            link.send(frame);
        }
    }

    /**
     * Sends a frame that waited, unless somebody else has; the real link refuses it when closed.
     */
    private void pass(OutboundFrame frame) {
        if (waiting.remove(frame)) {
            if (closed) {
                frame.released(false);
            } else {
                link.send(frame);
            }
        }
    }

    int waiting() {
        return waiting.size();
    }

    void sendHeld() {
        snapshot().forEach(this::pass);
    }

    boolean sendOneHeld() {
        var held = snapshot();
        if (held.isEmpty()) {
            return false;
        }
        pass(held.getFirst());
        return true;
    }

    private List<OutboundFrame> snapshot() {
        synchronized (waiting) {
            return new ArrayList<>(waiting);
        }
    }

    @Override
    public void close(TransferException reason) {
        ending();
        link.close(reason);
    }

    /** Gives back what waits: from now on nothing does. */
    void ending() {
        closed = true;
        faults.ended(this);
        snapshot().forEach(this::pass);
    }
}
