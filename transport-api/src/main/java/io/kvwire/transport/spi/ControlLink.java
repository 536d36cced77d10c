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
     * Closes the link after what was sent is out, as far as that takes no long wait.
     *
     * @param reason why
     */
    void close(TransferException reason);
}
