package io.kvwire.tck;

import io.kvwire.tck.fault.ControlTap;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.ControlHandler;
import io.kvwire.transport.spi.ControlLink;

import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicBoolean;

/** One control link under {@link Audit}: messages one at a time, and none after the end. */
record AuditedControl(Audit audit) implements ControlTap {
    @Override
    public ControlLink over(ControlLink link) {
        return link;
    }

    @Override
    public ControlHandler inbound(ControlHandler node) {
        return new Ear(audit, node);
    }

    private static final class Ear implements ControlHandler {
        private final Audit audit;
        private final ControlHandler node;
        private final AtomicBoolean busy = new AtomicBoolean();
        private final AtomicBoolean closed = new AtomicBoolean();

        Ear(Audit audit, ControlHandler node) {
            this.audit = audit;
            this.node = node;
        }

        @Override
        public void received(ByteBuffer message) {
            audit.require(!closed.get(), "a control message came after the link was closed");
            audit.require(busy.compareAndSet(false, true), "two control messages came at once");
            try {
                node.received(message);
            } finally {
                busy.set(false);
            }
        }

        @Override
        public void closed(TransferException reason) {
            audit.require(closed.compareAndSet(false, true), "a control link was closed twice");
            audit.require(!busy.get(), "a control link was closed during a message");
            node.closed(reason);
        }
    }
}
