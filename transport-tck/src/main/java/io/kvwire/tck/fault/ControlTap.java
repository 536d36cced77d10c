package io.kvwire.tck.fault;

import io.kvwire.transport.spi.ControlHandler;
import io.kvwire.transport.spi.ControlLink;

/** Stands between a node and one of its control links, see {@link Taps}. */
public interface ControlTap {
    /**
     * {@return what the channel tells in the node's stead}
     *
     * @param node the real one; called once
     */
    ControlHandler inbound(ControlHandler node);

    /**
     * {@return what the node uses in the link's stead}
     *
     * @param link the real one; called once, when it is up
     */
    ControlLink over(ControlLink link);
}
