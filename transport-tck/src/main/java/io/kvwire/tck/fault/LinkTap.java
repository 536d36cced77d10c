package io.kvwire.tck.fault;

import io.kvwire.transport.spi.DataLink;
import io.kvwire.transport.spi.LinkHandler;

/** Stands between a node and one of its data links, see {@link Taps}. */
public interface LinkTap {
    /** {@return what the wire tells in the node's stead} */
    LinkHandler inbound();

    /**
     * {@return what the node uses in the link's stead}
     *
     * @param link the real one; called once, when it is up
     */
    DataLink over(DataLink link);
}
