package io.kvwire.transport.core;

import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DataLink;
import io.kvwire.transport.spi.OutboundFrame;

import java.util.Map;

/** The link before there is one. */
final class NoLink implements DataLink {
    @Override
    public int lanes() {
        return 0;
    }

    @Override
    public Map<String, String> details() {
        return Map.of();
    }

    @Override
    public void send(OutboundFrame frame) {
        frame.released(false);
    }

    @Override
    public void close(TransferException reason) {
        // Nothing is open.
    }
}
