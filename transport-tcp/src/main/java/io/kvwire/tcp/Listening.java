package io.kvwire.tcp;

import io.kvwire.transport.NodeAddress;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;

/** Binds listeners. */
final class Listening {
    private Listening() {}

    /**
     * {@return a bound listener}
     *
     * @throws io.kvwire.transport.TransferException with {@link
     *     io.kvwire.transport.ErrorCode#UNREACHABLE} when the address cannot be bound
     */
    static Channel on(NodeAddress address, String what, ServerBootstrap bootstrap) {
        InetAddress host;
        try {
            host = InetAddress.getByName(address.host());
        } catch (UnknownHostException e) {
            throw Failures.bind(what, address, e);
        }
        var binding =
                bootstrap.bind(new InetSocketAddress(host, address.port())).awaitUninterruptibly();
        if (!binding.isSuccess()) {
            throw Failures.bind(what, address, binding.cause());
        }
        return binding.channel();
    }
}
