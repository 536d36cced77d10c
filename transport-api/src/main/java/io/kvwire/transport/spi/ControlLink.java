package io.kvwire.transport.spi;

import io.kvwire.transport.TransferException;

import java.nio.ByteBuffer;

/** One control connection: messages arrive whole and in order, or the link closes. Thread-safe. */
public interface ControlLink {
    /** {@return the other side's host, numeric} */
    String remoteHost();

    /** {@return the other side's identity as proven by TLS (the subject), or empty without TLS} */
    String remoteIdentity();

    /**
     * Sends a message. Does not wait.
     *
     * @param message between position and limit; copied before the call returns
     * @return false when the link is closed or the other side reads too slowly and a bounded amount
     *     is waiting already
     */
    boolean send(ByteBuffer message);

    /**
     * Lets messages go over a faster way from now on; this connection then only shows that both
     * sides are there. Called once, by each side at a point where all that it has sent before
     * arrives before the other side needs what is sent after. The handler stays, and so does all
     * that it may rely on. A channel may stay as it is only when it never has to do with a link
     * that has such a way.
     *
     * @param faster as {@link DataLink#messages} gives it
     */
    default void goOver(MessageLane faster) {
        throw new UnsupportedOperationException(getClass().getName());
    }

    /**
     * Closes the link after what was sent is out, as far as that takes no long wait.
     *
     * @param reason why
     */
    void close(TransferException reason);
}
