package io.kvwire.transport.core;

import io.kvwire.transport.BlockTable;
import io.kvwire.transport.BlockTransfer;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvStream;
import io.kvwire.transport.KvView;
import io.kvwire.transport.PathReport;
import io.kvwire.transport.Peer;
import io.kvwire.transport.RangeTransfer;
import io.kvwire.transport.RemoteCache;
import io.kvwire.transport.RemoteRegion;
import io.kvwire.transport.Transfer;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferOptions;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** A session as the application sees it. */
final class RemotePeer implements Peer {
    private final Session session;
    private final Requests requests;

    RemotePeer(Session session) {
        this.session = session;
        requests = new Requests(session);
    }

    @Override
    public String name() {
        return session.name();
    }

    @Override
    public long incarnation() {
        return session.remote().incarnation();
    }

    @Override
    public PathReport path() {
        return session.remote().path(session);
    }

    @Override
    public boolean connected() {
        return session.connected();
    }

    @Override
    public CompletableFuture<TransferException> closed() {
        return session.closed();
    }

    @Override
    public Collection<RemoteCache> caches() {
        return List.copyOf(session.remote().caches.values());
    }

    @Override
    public Optional<RemoteCache> cache(String name) {
        return session.remote().caches.values().stream()
                .filter(cache -> cache.name().equals(name))
                .findFirst();
    }

    @Override
    public Optional<RemoteRegion> region(int id) {
        return Optional.ofNullable(session.remote().regions.get(id));
    }

    @Override
    public Transfer write(BlockTransfer blocks, TransferOptions options) {
        return requests.write(blocks, options);
    }

    @Override
    public Transfer read(BlockTransfer blocks, TransferOptions options) {
        return requests.read(blocks, options);
    }

    @Override
    public Transfer write(RangeTransfer ranges, TransferOptions options) {
        return requests.write(ranges, options);
    }

    @Override
    public Transfer read(RangeTransfer ranges, TransferOptions options) {
        return requests.read(ranges, options);
    }

    @Override
    public CompletableFuture<KvView> view(
            RemoteCache cache, BlockTable blocks, long leaseId, Duration deadline) {
        return session.views.ask(cache, blocks, leaseId, deadline);
    }

    @Override
    public KvStream stream(BlockTransfer blocks, TransferOptions options) {
        return requests.stream(blocks, options);
    }

    @Override
    public void notify(byte[] payload) {
        requests.checkNotification(payload);
        if (!connected() || !session.send(ControlMessages.notification(payload))) {
            throw Session.peerGone(name());
        }
    }

    @Override
    public CompletableFuture<Boolean> renewLease(long leaseId, long timeToLiveNanos) {
        return session.renewLease(leaseId, timeToLiveNanos);
    }

    @Override
    public void releaseLease(long leaseId) {
        session.send(new MessageWriter(ControlMessages.LEASE_RELEASE).u64(leaseId));
    }

    @Override
    public void close() {
        session.shut(
                new TransferException(
                        ErrorCode.CLOSED, "the connection to '" + name() + "' was closed here"));
    }

    @Override
    public String toString() {
        return "peer '" + name() + "'";
    }
}
