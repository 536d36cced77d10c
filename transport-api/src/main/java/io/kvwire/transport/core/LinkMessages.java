package io.kvwire.transport.core;

import io.kvwire.transport.spi.LinkExchange;

import java.util.ArrayDeque;
import java.util.function.Consumer;

/** The messages between the wires of one session, inside its control messages. Thread-safe. */
final class LinkMessages implements LinkExchange {
    /** Messages that may come before the wire here says who takes them. */
    private static final int MAX_EARLY = 16;

    private final Session session;
    private final ArrayDeque<byte[]> early = new ArrayDeque<>();
    private Consumer<byte[]> receiver;

    LinkMessages(Session session) {
        this.session = session;
    }

    @Override
    public boolean send(byte[] message) {
        if (message.length > MAX_BYTES) {
            throw new IllegalArgumentException(
                    "a link message of " + message.length + " bytes: at most " + MAX_BYTES);
        }
        return session.send(new MessageWriter(ControlMessages.LINK).bytes(message));
    }

    @Override
    public synchronized void receive(Consumer<byte[]> to) {
        receiver = to;
        for (var message = early.poll(); message != null; message = early.poll()) {
            to.accept(message);
        }
    }

    /** A message has come; called by the control link, in order. */
    synchronized void received(byte[] message) {
        if (receiver != null) {
            receiver.accept(message);
        } else if (early.size() < MAX_EARLY) {
            early.add(message);
        } else {
            throw MessageReader.malformed("link messages that no wire takes");
        }
    }
}
