package io.kvwire.tck.fault;

import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DataLink;
import io.kvwire.transport.spi.GrantedMemory;
import io.kvwire.transport.spi.MemoryGrant;
import io.kvwire.transport.spi.MessageLane;
import io.kvwire.transport.spi.OutboundFrame;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** A link that does as the real one does; what is to go wrong, or is watched, is overridden. */
public abstract class ForwardedLink implements LinkTap, DataLink {
    private volatile DataLink link;

    /** Stands before a link, which {@link #over} gives. */
    protected ForwardedLink() {}

    @Override
    public DataLink over(DataLink real) {
        link = real;
        return this;
    }

    @Override
    public int lanes() {
        return link.lanes();
    }

    @Override
    public Optional<TransferException> lastLoss() {
        return link.lastLoss();
    }

    @Override
    public Map<String, String> details() {
        return link.details();
    }

    @Override
    public boolean fetches(MemorySegment memory) {
        return link.fetches(memory);
    }

    @Override
    public CompletableFuture<MemoryGrant> grant(List<MemorySegment> memory) {
        return link.grant(memory);
    }

    @Override
    public CompletableFuture<GrantedMemory> open(byte[] token) {
        return link.open(token);
    }

    @Override
    public void send(OutboundFrame frame) {
        link.send(frame);
    }

    @Override
    public Optional<MessageLane> messages() {
        return link.messages();
    }

    @Override
    public void close(TransferException reason) {
        link.close(reason);
    }
}
