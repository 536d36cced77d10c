package io.kvwire.tcp;

import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.spi.ControlAcceptor;
import io.kvwire.transport.spi.ControlChannel;
import io.kvwire.transport.spi.ControlChannelProvider;

/** Offers the control channel over TCP, to every node. */
public final class TcpControlChannelProvider implements ControlChannelProvider {
    private static final int RANK = 100;

    /** For ServiceLoader. */
    public TcpControlChannelProvider() {}

    @Override
    public String name() {
        return TcpDataPath.NAME;
    }

    @Override
    public int rank() {
        return RANK;
    }

    @Override
    public boolean serves(NodeConfig config) {
        return true;
    }

    @Override
    public ControlChannel open(NodeConfig config, ControlAcceptor acceptor) {
        return new TcpControlChannel(config, acceptor);
    }
}
