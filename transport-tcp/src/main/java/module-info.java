/** The TCP data path and the control channel. */
module io.kvwire.tcp {
    requires transitive io.kvwire.transport;
    requires io.netty.buffer;
    requires io.netty.common;
    requires io.netty.handler;
    requires io.netty.transport;
    requires io.netty.transport.classes.epoll;
    // Nothing but the native halves of epoll: not resolved if nobody asks, and then TCP is slow.
    requires io.netty.transport.epoll.linux.aarch_64;
    requires io.netty.transport.epoll.linux.x86_64;
    requires io.netty.transport.unix.common;
    requires org.slf4j;

    provides io.kvwire.transport.spi.ControlChannelProvider with
            io.kvwire.tcp.TcpControlChannelProvider;
    provides io.kvwire.transport.spi.DataPathProvider with
            io.kvwire.tcp.TcpDataPathProvider;
}
