package io.kvwire.transport.spi;

import java.nio.ByteBuffer;
import java.util.function.Consumer;

/**
 * A faster way for the messages of one session than the connection that it was made over: whole, in
 * order, for as long as the data link lives. A {@link DataLink} may have one, and a {@link
 * ControlLink} may use it, see {@link ControlLink#goOver}. Thread-safe.
 */
public interface MessageLane {
    /**
     * Sends a message. Does not wait.
     *
     * @param message between position and limit, which stay; copied before the call returns
     * @return false when the lane is closed or the other side reads too slowly and a bounded amount
     *     is waiting already
     */
    boolean send(ByteBuffer message);

    /**
     * Says who takes the messages of the other side; they wait until then. Called once.
     *
     * @param receiver called by one thread at a time; the buffer is little-endian and only valid
     *     during the call
     */
    void receive(Consumer<ByteBuffer> receiver);

    /**
     * Delivers what has come, and then runs what is to be last: after it, no message is delivered.
     * Does not wait: when a message is being delivered by another thread, that one goes on and runs
     * it.
     *
     * @param last run once
     */
    void end(Runnable last);
}
