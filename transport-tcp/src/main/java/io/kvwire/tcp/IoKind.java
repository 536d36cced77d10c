package io.kvwire.tcp;

import io.netty.channel.IoHandlerFactory;
import io.netty.channel.ServerChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;

/** Which interface of the kernel moves the bytes. */
enum IoKind {
    /** The channels of the JDK. */
    NIO;

    static IoKind named(String name) {
        return switch (name) {
            case "auto", "nio" -> NIO;
            default -> throw TcpOptions.wrong("option tcp.io is '" + name + "': need auto or nio");
        };
    }

    IoHandlerFactory handlers() {
        return NioIoHandler.newFactory();
    }

    Class<? extends SocketChannel> channels() {
        return NioSocketChannel.class;
    }

    Class<? extends ServerChannel> listeners() {
        return NioServerSocketChannel.class;
    }

    String description() {
        return "nio, scattering reads and gathering writes";
    }

    /** {@return how many runs one read can fill} */
    int maxRuns() {
        return 256;
    }
}
