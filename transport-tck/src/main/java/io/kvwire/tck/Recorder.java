package io.kvwire.tck;

import io.kvwire.transport.NodeListener;
import io.kvwire.transport.Peer;
import io.kvwire.transport.Transfer;
import io.kvwire.transport.TransferException;

import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentMap;
import java.util.function.BiConsumer;

/** Keeps what a node told its application. Thread-safe. */
final class Recorder implements NodeListener {
    /** A message that arrived. */
    static final class Notice {
        private final String from;
        private final byte[] payload;

        Notice(String from, byte[] payload) {
            this.from = from;
            this.payload = payload;
        }

        String from() {
            return from;
        }

        byte[] payload() {
            return payload;
        }
    }

    final Queue<Peer> connected = new ConcurrentLinkedQueue<>();
    final Map<Peer, TransferException> disconnected = new ConcurrentHashMap<>();
    final Queue<Notice> notices = new ConcurrentLinkedQueue<>();
    final ConcurrentMap<Transfer, Integer> ended = new ConcurrentHashMap<>();
    private volatile BiConsumer<Peer, byte[]> onNotified = (peer, payload) -> {};

    /** Runs inside the callback, before the message is recorded. */
    void onNotified(BiConsumer<Peer, byte[]> action) {
        onNotified = action;
    }

    @Override
    public void connected(Peer peer) {
        connected.add(peer);
    }

    @Override
    public void disconnected(Peer peer, TransferException reason) {
        disconnected.put(peer, reason);
    }

    @Override
    public void notified(Peer peer, byte[] payload) {
        try {
            onNotified.accept(peer, payload);
        } finally {
            notices.add(new Notice(peer.name(), payload));
        }
    }

    @Override
    public void transferEnded(Peer peer, Transfer transfer) {
        ended.merge(transfer, 1, Integer::sum);
    }
}
