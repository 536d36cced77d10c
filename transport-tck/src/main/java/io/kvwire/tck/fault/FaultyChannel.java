package io.kvwire.tck.fault;

import io.kvwire.transport.NodeAddress;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.ControlAcceptor;
import io.kvwire.transport.spi.ControlChannel;
import io.kvwire.transport.spi.ControlChannelProvider;
import io.kvwire.transport.spi.ControlHandler;
import io.kvwire.transport.spi.ControlLink;

import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** A control channel whose links are faulty. */
final class FaultyChannel implements ControlChannel {
    private final ControlChannel channel;
    private final NodeFaults faults;

    private FaultyChannel(ControlChannel channel, NodeFaults faults) {
        this.channel = channel;
        this.faults = faults;
    }

    static ControlChannelProvider provider(ControlChannelProvider real, NodeFaults faults) {
        return new ControlChannelProvider() {
            @Override
            public String name() {
                return real.name();
            }

            @Override
            public int rank() {
                return real.rank();
            }

            @Override
            public boolean serves(NodeConfig config) {
                return real.serves(config);
            }

            @Override
            public ControlChannel open(NodeConfig config, ControlAcceptor acceptor) {
                return new FaultyChannel(real.open(config, accepting(acceptor, faults)), faults);
            }
        };
    }

    private static ControlAcceptor accepting(ControlAcceptor acceptor, NodeFaults faults) {
        return real -> {
            var link = new FaultyControlLink(faults);
            return new Ear(faults, acceptor.accepted(link.over(real)), link);
        };
    }

    @Override
    public Optional<NodeAddress> address() {
        return channel.address();
    }

    @Override
    public CompletableFuture<ControlLink> connect(NodeAddress address, ControlHandler handler) {
        var link = new FaultyControlLink(faults);
        return channel.connect(address, new Ear(faults, handler, link)).thenApply(link::over);
    }

    @Override
    public void close() {
        channel.close();
    }

    /** Hears nothing once its node is dead or has vanished. */
    private record Ear(NodeFaults faults, ControlHandler handler, FaultyControlLink link)
            implements ControlHandler {
        @Override
        public void received(ByteBuffer message) {
            if (faults.presence() == NodeFaults.Presence.UP) {
                handler.received(message);
            }
        }

        @Override
        public void closed(TransferException reason) {
            link.ending();
            handler.closed(reason);
        }
    }
}
