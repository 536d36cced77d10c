package io.kvwire.tck;

import io.kvwire.tck.fault.ForwardedLink;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.InboundFrame;
import io.kvwire.transport.spi.LinkHandler;
import io.kvwire.transport.spi.OutboundFrame;

import java.nio.ByteBuffer;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/** One link under {@link Audit}. */
final class AuditedLink extends ForwardedLink implements LinkHandler {
    private final Audit audit;
    private final LinkHandler node;
    private final Set<AuditedOutbound> carried = ConcurrentHashMap.newKeySet();
    private final AtomicInteger arriving = new AtomicInteger();
    private final AtomicBoolean closed = new AtomicBoolean();

    AuditedLink(Audit audit, LinkHandler node) {
        this.audit = audit;
        this.node = node;
    }

    @Override
    public LinkHandler inbound() {
        return this;
    }

    @Override
    public void send(OutboundFrame frame) {
        var audited = new AuditedOutbound(audit, frame, carried::add, carried::remove);
        audit.began(audited);
        super.send(audited);
    }

    @Override
    public InboundFrame begin(ByteBuffer header, long payloadBytes) {
        audit.require(!closed.get(), "a frame began after the link was closed");
        audit.require(payloadBytes >= 0, "a payload of " + payloadBytes + " bytes");
        var frame = node.begin(header, payloadBytes);
        arriving.incrementAndGet();
        var audited = new AuditedInbound(audit, frame, payloadBytes, arriving::decrementAndGet);
        audit.began(audited);
        return audited;
    }

    @Override
    public void laneLost(int lane, TransferException reason) {
        audit.require(!closed.get(), "lane " + lane + " was lost after the link was closed");
        audit.require(
                carried.stream().noneMatch(frame -> frame.lane() == lane),
                "lane " + lane + " was lost before its frames were given back");
        node.laneLost(lane, reason);
    }

    @Override
    public void closed(TransferException reason) {
        audit.require(closed.compareAndSet(false, true), "a link was closed twice");
        audit.require(arriving.get() == 0, "a link was closed while a frame was arriving");
        audit.require(carried.isEmpty(), "a link was closed before its frames were given back");
        node.closed(reason);
    }
}
