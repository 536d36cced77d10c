package io.kvwire.harness.serve;

import io.kvwire.transport.BlockTable;
import io.kvwire.transport.BlockTransfer;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvCache;
import io.kvwire.transport.NodeAddress;
import io.kvwire.transport.NodeListener;
import io.kvwire.transport.Peer;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferNode;

import java.util.Base64;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Both ends of a split request: asks other workers for prompts, and takes their asking in. Its
 * methods may be called from any thread.
 */
final class RemotePrefills implements NodeListener {
    /** The name under which every worker registers its cache. */
    static final String CACHE = "kv";

    private final Map<Long, CompletableFuture<Integer>> firsts = new ConcurrentHashMap<>();
    private final Map<String, Peer> peers = new ConcurrentHashMap<>();
    private volatile Engine engine;
    private volatile TransferNode node;
    private volatile KvCache cache;

    /** Begins: nothing may be asked before. */
    void start(TransferNode ownNode, KvCache ownCache, Engine ownEngine) {
        node = ownNode;
        cache = ownCache;
        engine = ownEngine;
    }

    @Override
    public void notified(Peer peer, byte[] payload) {
        switch (ServeJson.parse(PrefillMessage.class, payload)) {
            case PrefillMessage.Ask ask -> {
                var delivery = new Delivery(peer, cache);
                engine.execute(() -> engine.serve(ask, delivery));
            }
            case PrefillMessage.First first -> {
                var waits = firsts.get(first.id());
                if (waits != null) {
                    waits.complete(first.token());
                }
            }
            case PrefillMessage.Refused refused -> fail(refused.id(), refused.why());
        }
    }

    @Override
    public void disconnected(Peer peer, TransferException reason) {
        peers.values().remove(peer);
        firsts.keySet().forEach(id -> fail(id, reason.getMessage()));
    }

    private void fail(long id, String why) {
        var waits = firsts.get(id);
        if (waits != null) {
            waits.completeExceptionally(new TransferException(ErrorCode.PEER_LOST, why));
        }
    }

    /** The answering end of one request. */
    record Delivery(Peer peer, KvCache cache) {
        BlockTransfer blocks(PrefillMessage.Ask ask, int[] own) {
            var remote =
                    peer.cache(CACHE)
                            .orElseThrow(() ->
                                    new TransferException(
                                            ErrorCode.UNKNOWN_REGION, "the asker has no cache"));
            var theirs = BlockTable.decode(Base64.getDecoder().decode(ask.table()));
            int tokens = ask.prompt().size() - ask.firstToken();
            return new BlockTransfer(
                    ask.id(), cache, cache.table(own), remote, theirs, ask.firstToken(), tokens, 0);
        }

        void first(long id, int token) {
            say(new PrefillMessage.First(id, token));
        }

        void refuse(long id, String why) {
            if (peer.connected()) {
                say(new PrefillMessage.Refused(id, String.valueOf(why)));
            }
        }

        private void say(PrefillMessage message) {
            peer.notify(ServeJson.bytes(PrefillMessage.class, message));
        }
    }

    /** Asks for a prompt; the engine learns when all of it is in place. */
    void ask(ServeOrder order, PrefixCache.Seat seat) {
        var first = new CompletableFuture<Integer>();
        firsts.put(order.id(), first);
        try {
            var peer = peers.computeIfAbsent(order.prefill(), this::connect);
            int from = seat.reusedTokens();
            var blocks = cache.table(seat.blocks());
            var reception =
                    node.expect(order.id(), cache, blocks, from, order.prompt().size() - from);
            var table = Base64.getEncoder().encodeToString(blocks.encode());
            var ask = new PrefillMessage.Ask(order.id(), order.prompt(), from, table);
            var _ =
                    first.thenCombine(reception.completion(), (token, none) -> token)
                            .whenComplete((token, failure) -> {
                                firsts.remove(order.id());
                                reception.close();
                                report(order, seat, token, failure);
                            });
            peer.notify(ServeJson.bytes(PrefillMessage.class, ask));
        } catch (TransferException e) {
            firsts.remove(order.id());
            if (!first.completeExceptionally(e)) {
                throw e;
            }
            report(order, seat, null, e);
        }
    }

    private void report(ServeOrder order, PrefixCache.Seat seat, Integer token, Throwable failure) {
        engine.execute(() -> engine.arrived(order, seat, token == null ? 0 : token, failure));
    }

    private Peer connect(String address) {
        try {
            return node.connect(NodeAddress.parse(address)).join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof TransferException known ? known : e;
        }
    }
}
