package io.kvwire.transport.spi;

/** Receives control connections from peers. */
public interface ControlAcceptor {
    /**
     * A peer has connected and, where TLS is on, has proven itself.
     *
     * @param link to it
     * @return the handler of its messages
     */
    ControlHandler accepted(ControlLink link);
}
