package io.kvwire.transport.spi;

import java.util.function.Consumer;

/**
 * Carries what the two wires of one link have to tell each other beside their lanes: whole
 * messages, in order, over the authenticated control channel, from the making of the link to its
 * end.
 *
 * <p>The connecting side speaks first: the accepting side's wire sends nothing before it has heard
 * from the other. Thread-safe.
 */
public interface LinkExchange {
    /** The longest message, in bytes. */
    int MAX_BYTES = 64 << 10;

    /**
     * Sends a message to the wire at the other end. Does not wait.
     *
     * @param message at most {@link #MAX_BYTES}; copied before the call returns
     * @return false when the connection is gone
     */
    boolean send(byte[] message);

    /**
     * Says who takes the messages of the other end; what has come before is delivered at once.
     * Called once, before anything is sent.
     *
     * @param receiver called by one thread at a time, which must not wait; what it throws as a
     *     {@link io.kvwire.transport.TransferException} ends the connection
     */
    void receive(Consumer<byte[]> receiver);
}
