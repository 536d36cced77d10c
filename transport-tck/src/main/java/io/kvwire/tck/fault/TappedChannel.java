package io.kvwire.tck.fault;

import io.kvwire.transport.NodeAddress;
import io.kvwire.transport.spi.ControlChannel;
import io.kvwire.transport.spi.ControlHandler;
import io.kvwire.transport.spi.ControlLink;

import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/** A control channel with a tap in each link. */
record TappedChannel(ControlChannel channel, Supplier<ControlTap> taps) implements ControlChannel {
    @Override
    public Optional<NodeAddress> address() {
        return channel.address();
    }

    @Override
    public CompletableFuture<ControlLink> connect(NodeAddress address, ControlHandler handler) {
        var tap = taps.get();
        return channel.connect(address, tap.inbound(handler)).thenApply(tap::over);
    }

    @Override
    public void close() {
        channel.close();
    }
}
