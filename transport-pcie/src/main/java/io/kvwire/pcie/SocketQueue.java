package io.kvwire.pcie;

import io.kvwire.ffi.linux.LocalSocket;

import java.util.ArrayDeque;

/**
 * Messages for the socket of a lane, which go in order and wait here while it is full. Confined to
 * the thread of its lane.
 */
final class SocketQueue {
    private final LocalSocket socket;
    private final ArrayDeque<byte[]> waiting = new ArrayDeque<>();

    SocketQueue(LocalSocket socket) {
        this.socket = socket;
    }

    void send(byte[] message) {
        waiting.add(message);
        var _ = flush();
    }

    /**
     * Sends what waits, as far as there is room.
     *
     * @return whether nothing waits any more, so that others may use the socket
     */
    boolean flush() {
        while (!waiting.isEmpty() && socket.send(waiting.getFirst())) {
            waiting.removeFirst();
        }
        return waiting.isEmpty();
    }
}
