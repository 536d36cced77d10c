package io.kvwire.transport.core;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.MemoryGrant;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The blocks of this node that one peer reads in place. Each of these views ends with the lease
 * that it is under, before the lease lets go of the blocks.
 */
final class Lendings {
    private final Session session;
    private final Map<Long, Lent> lent = new ConcurrentHashMap<>();

    /** Views that are being set up: a message that comes twice is answered once. */
    private final Set<Long> opening = ConcurrentHashMap.newKeySet();

    /** One view of the peer. */
    private record Lent(long viewId, Leases.Held lease, MemoryGrant grant) {}

    Lendings(Session session) {
        this.session = session;
    }

    int count() {
        return lent.size();
    }

    void asked(ViewMessages.Ask ask) {
        if (lent.containsKey(ask.viewId()) || !opening.add(ask.viewId())) {
            return;
        }
        try {
            lend(ask);
        } catch (TransferException e) {
            refuse(ask, e);
        }
    }

    private void refuse(ViewMessages.Ask ask, TransferException reason) {
        opening.remove(ask.viewId());
        session.node().metrics.framesRefused.increment();
        session.send(ViewMessages.ended(ask.viewId(), reason));
    }

    private void lend(ViewMessages.Ask ask) {
        int most = session.node().config().limits().maxTransfersPerPeer();
        if (lent.size() + opening.size() > most) {
            throw new TransferException(
                    ErrorCode.RESOURCE_EXHAUSTED,
                    "the peer has " + most + " views open already (maxTransfersPerPeer)");
        }
        var cache = Grants.readable(session.node(), ask.cache());
        int count = ask.blocks().size();
        var lease = session.node().leases.covering(ask.leaseId(), cache, ask.blocks());
        cache.device()
                .ifPresent(device -> {
                    throw new TransferException(
                            ErrorCode.PATH_UNAVAILABLE,
                            "cache '"
                                    + cache.name()
                                    + "' is memory of "
                                    + device.device()
                                    + ", which the host cannot address: READ the blocks");
                });
        var shown = List.copyOf(cache.memory());
        // Pinned until the peer may open it: the registration of the memory cannot end meanwhile.
        cache.ledger().pinAll(ask.blocks(), 0, count);
        var _ =
                session.link()
                        .grant(shown)
                        .whenComplete((grant, failure) -> {
                            if (failure != null) {
                                refuse(ask, LinkUp.asTransfer(failure));
                            } else {
                                granted(ask, cache, shown, new Lent(ask.viewId(), lease, grant));
                            }
                            cache.ledger().unpinAll(ask.blocks(), 0, count);
                        });
    }

    private void granted(
            ViewMessages.Ask ask, PagedCache cache, List<MemorySegment> shown, Lent view) {
        lent.put(view.viewId, view);
        opening.remove(view.viewId);
        if (!view.lease.lend(view, () -> leaseEnded(view)) || session.over()) {
            leaseEnded(view);
            return;
        }
        var layers =
                cache.placement().stream()
                        .map(layer -> ViewMessages.Place.of(layer, shown))
                        .toList();
        session.send(
                new ViewMessages.Answer(
                                ask.viewId(),
                                view.lease.timeToLiveNanos(),
                                view.grant.token(),
                                layers)
                        .encode());
    }

    /** Takes the blocks back at once; the peer is told, and does not have to agree. */
    private void leaseEnded(Lent view) {
        end(view);
        session.send(ViewMessages.ended(view.viewId, view.lease.expired()));
    }

    private void end(Lent view) {
        view.grant.revoke();
        view.lease.takeBack(view);
        lent.remove(view.viewId, view);
    }

    /** The peer needs a view no more. */
    void closed(long viewId) {
        var view = lent.get(viewId);
        if (view != null) {
            end(view);
        }
    }

    /** The session is over. */
    void close() {
        List.copyOf(lent.values()).forEach(this::end);
    }
}
