package io.kvwire.transport.spi;

import io.kvwire.transport.TransferException;

import java.nio.ByteBuffer;

/** Receives what happens on a control link; called by one thread at a time, in order. */
public interface ControlHandler {
    /**
     * A message has arrived.
     *
     * @param message between position and limit, little-endian, at most {@link
     *     io.kvwire.transport.Limits#maxControlBytes()}; only valid during the call
     */
    void received(ByteBuffer message);

    /**
     * The link is gone. Called once.
     *
     * @param reason why
     */
    void closed(TransferException reason);
}
