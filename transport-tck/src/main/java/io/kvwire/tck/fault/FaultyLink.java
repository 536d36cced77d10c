package io.kvwire.tck.fault;

import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DataLink;
import io.kvwire.transport.spi.LinkHandler;
import io.kvwire.transport.spi.OutboundFrame;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;

/** A link that delays, drops and holds the frames it is given. */
final class FaultyLink extends ForwardedLink {
    private final NodeFaults faults;
    private final FaultyHandler inbound;
    private final Set<OutboundFrame> waiting =
            Collections.synchronizedSet(Collections.newSetFromMap(new IdentityHashMap<>()));
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
        var link = super.over(real);
        if (!closed) {
            faults.opened(this);
        }
        if (faults.presence() == NodeFaults.Presence.DEAD) {
            real.close(FaultyControlLink.dead());
        }
        return link;
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
            super.send(frame);
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
                super.send(frame);
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
        super.close(reason);
    }

    /** Gives back what waits: from now on nothing does. */
    void ending() {
        closed = true;
        faults.ended(this);
        snapshot().forEach(this::pass);
    }
}
