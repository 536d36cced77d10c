package io.kvwire.transport.core;

import io.kvwire.transport.BlockTable;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvView;
import io.kvwire.transport.RemoteCache;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferOptions;
import io.kvwire.transport.spi.GrantedMemory;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** The peer's blocks that this side reads in place, and those that it has asked for. */
final class Views {
    private final Session session;
    private final AtomicLong lastId = new AtomicLong();
    private final Map<Long, Asked> asked = new ConcurrentHashMap<>();
    private final Map<Long, OpenView> open = new ConcurrentHashMap<>();

    /** A view that the peer has not answered yet, or whose memory is being opened. */
    private record Asked(ViewMessages.Ask ask, RemoteCache cache, CompletableFuture<KvView> view) {}

    Views(Session session) {
        this.session = session;
    }

    CompletableFuture<KvView> ask(
            RemoteCache cache, BlockTable blocks, long leaseId, Duration deadline) {
        var options = TransferOptions.DEFAULT.withDeadline(deadline);
        var view = new CompletableFuture<KvView>();
        long id = lastId.incrementAndGet();
        var ask = new ViewMessages.Ask(id, leaseId, cache.id(), blocks);
        try {
            Requests.requireCurrent(session, cache, blocks);
            var message = ask.encode().message();
            Requests.requireRoom(session, message.remaining(), "show");
            asked.put(id, new Asked(ask, cache, view));
            watch(id, view, options);
            if (!session.send(message)) {
                throw Session.peerGone(session.name());
            }
        } catch (TransferException e) {
            view.completeExceptionally(e);
        }
        return view;
    }

    private void watch(long id, CompletableFuture<KvView> view, TransferOptions options) {
        var late =
                new TransferException(
                        ErrorCode.DEADLINE_EXCEEDED,
                        "'" + session.name() + "' has shown nothing within " + options.deadline());
        var timer = session.node().after(options.deadlineNanos(), () -> fail(id, late));
        var _ =
                view.whenComplete((_, _) -> {
                    timer.cancel(false);
                    asked.remove(id); // however it ended: whoever asked may have cancelled it
                });
    }

    /** The owner has agreed: opens what it shows. */
    void answered(ViewMessages.Answer answer) {
        var waiting = asked.get(answer.viewId());
        if (waiting == null) {
            giveUp(answer.viewId()); // it was taken back before it was here
            return;
        }
        var _ =
                session.link()
                        .open(answer.token())
                        .whenComplete((memory, failure) -> {
                            if (failure != null) {
                                fail(answer.viewId(), LinkUp.asTransfer(failure));
                                giveUp(answer.viewId());
                            } else {
                                opened(waiting, answer, memory);
                            }
                        });
    }

    private void opened(Asked waiting, ViewMessages.Answer answer, GrantedMemory memory) {
        long id = answer.viewId();
        try {
            var shown = memory.segments();
            var layers = answer.layers().stream().map(layer -> layer.in(shown)).toList();
            var view = new OpenView(this, id, waiting.cache, waiting.ask.blocks(), layers, memory);
            open.put(id, view);
            if (asked.remove(id) == null || !memory.current()) {
                throw takenBack();
            }
            view.renew(session, waiting.ask.leaseId(), answer.leaseNanos());
            if (!waiting.view.complete(view)) {
                view.close();
            }
        } catch (TransferException e) {
            open.remove(id);
            memory.close();
            giveUp(id);
            waiting.view.completeExceptionally(e);
        }
    }

    private static TransferException takenBack() {
        return new TransferException(
                ErrorCode.LEASE_EXPIRED,
                "the owner has taken the blocks back before the view was open: run prefill again");
    }

    /** The owner refuses, or has taken the blocks back. */
    void ended(long id, TransferException reason) {
        fail(id, reason);
        var view = open.remove(id);
        if (view != null) {
            view.end(reason);
        }
    }

    private void fail(long id, TransferException reason) {
        var waiting = asked.remove(id);
        if (waiting != null) {
            waiting.view.completeExceptionally(reason);
        }
    }

    /** The application needs a view no more. */
    void closed(long id) {
        if (open.remove(id) != null) {
            giveUp(id);
        }
    }

    private void giveUp(long id) {
        session.send(ViewMessages.closed(id));
    }

    /** The session is over. */
    void close(TransferException reason) {
        List.copyOf(asked.keySet()).forEach(id -> ended(id, reason));
        List.copyOf(open.keySet()).forEach(id -> ended(id, reason));
    }
}
