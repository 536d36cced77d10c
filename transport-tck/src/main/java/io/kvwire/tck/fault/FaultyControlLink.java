package io.kvwire.tck.fault;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.ControlHandler;
import io.kvwire.transport.spi.ControlLink;
import io.kvwire.transport.spi.MessageLane;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.concurrent.locks.ReentrantLock;

/** A control link that loses, repeats and delays messages. What is late holds up what follows. */
final class FaultyControlLink implements ControlLink, ControlTap {
    /** As a real link does, this one says no when too much waits. */
    private static final int MAX_LATE = 1 << 16;

    private final NodeFaults faults;
    private final ReentrantLock lock = new ReentrantLock();
    private final ArrayDeque<byte[]> late = new ArrayDeque<>();
    private volatile ControlLink link;
    private volatile boolean closed;

    FaultyControlLink(NodeFaults faults) {
        this.faults = faults;
    }

    @Override
    public ControlHandler inbound(ControlHandler node) {
        return new Ear(faults, node, this);
    }

    @Override
    public ControlLink over(ControlLink real) {
        link = real;
        if (!closed) {
            faults.opened(this);
        }
        if (faults.presence() == NodeFaults.Presence.DEAD) {
            real.close(dead());
        }
        return this;
    }

    static TransferException dead() {
        return new TransferException(ErrorCode.CLOSED, "the fault injector killed this node");
    }

    @Override
    public String remoteHost() {
        return link.remoteHost();
    }

    @Override
    public String remoteIdentity() {
        return link.remoteIdentity();
    }

    @Override
    public boolean send(ByteBuffer message) {
        switch (faults.presence()) {
            case DEAD -> {
                return false;
            }
            case VANISHED -> {
                return true;
            }
            case UP -> {}
        }
        if (faults.fate().strikes(Fault.DROP_CONTROL)) {
            return true;
        }
        boolean repeat = faults.fate().strikes(Fault.REPEAT_CONTROL);
        boolean delay = faults.fate().strikes(Fault.DELAY_CONTROL);
        lock.lock();
        try {
            if (closed || late.size() >= MAX_LATE) {
                return false;
            }
            var copy = new byte[message.remaining()];
            message.get(message.position(), copy);
            if (repeat) {
                faults.later(() -> sendIfOpen(copy));
            }
            if (!delay && late.isEmpty()) {
                return link.send(message);
            }
            if (late.isEmpty()) {
                faults.later(this::catchUp);
            }
            late.add(copy);
            return true;
        } finally {
            lock.unlock();
        }
    }

    private void sendIfOpen(byte[] message) {
        if (!closed && faults.presence() == NodeFaults.Presence.UP) {
            link.send(ByteBuffer.wrap(message));
        }
    }

    private void catchUp() {
        lock.lock();
        try {
            late.forEach(this::sendIfOpen);
            late.clear();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void goOver(MessageLane faster) {
        link.goOver(faster);
    }

    @Override
    public void close(TransferException reason) {
        if (faults.presence() == NodeFaults.Presence.UP) {
            catchUp();
        }
        ending();
        link.close(reason);
    }

    /** Hears nothing once its node is dead or has vanished. */
    private record Ear(NodeFaults faults, ControlHandler handler, FaultyControlLink link)
            implements ControlHandler {
        @Override
        public void received(ByteBuffer message) {
            if (faults.presence() == NodeFaults.Presence.UP) {
                handler.received(message);
            }
        }

        @Override
        public void closed(TransferException reason) {
            link.ending();
            handler.closed(reason);
        }
    }

    private void ending() {
        closed = true;
        faults.ended(this);
    }
}
