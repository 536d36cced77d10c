package io.kvwire.tcp;

import io.kvwire.tcp.ffi.VectorCalls;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;

import java.util.Optional;

/** Which interface of the kernel moves the bytes. */
enum IoKind {
    /** Netty's epoll channels, with readv and writev of our own, which allocate nothing. */
    EPOLL {
        @Override
        IoHandlerFactory handlers() {
            return EpollIoHandler.newFactory();
        }

        @Override
        Class<? extends SocketChannel> channels() {
            return EpollSocketChannel.class;
        }

        @Override
        Class<? extends ServerChannel> listeners() {
            return EpollServerSocketChannel.class;
        }

        @Override
        String description() {
            return "epoll, readv and writev";
        }
    },

    /** The channels of the JDK, which run anywhere. */
    NIO {
        @Override
        IoHandlerFactory handlers() {
            return NioIoHandler.newFactory();
        }

        @Override
        Class<? extends SocketChannel> channels() {
            return NioSocketChannel.class;
        }

        @Override
        Class<? extends ServerChannel> listeners() {
            return NioServerSocketChannel.class;
        }

        @Override
        String description() {
            return noEpoll().map(why -> "nio (no epoll: " + why + ")").orElse("nio");
        }
    };

    static IoKind named(String name) {
        return switch (name) {
            case "auto" -> noEpoll().isEmpty() ? EPOLL : NIO;
            case "nio" -> NIO;
            case "epoll" -> {
                noEpoll()
                        .ifPresent(why -> {
                            throw TcpOptions.wrong(
                                    "option tcp.io is epoll, which cannot be used here: " + why);
                        });
                yield EPOLL;
            }
            default ->
                    throw TcpOptions.wrong(
                            "option tcp.io is '" + name + "': need auto, epoll or nio");
        };
    }

    private static Optional<String> noEpoll() {
        return Epoll.isAvailable()
                ? VectorCalls.unavailable()
                : Optional.of(Failures.message(Epoll.unavailabilityCause()));
    }

    abstract IoHandlerFactory handlers();

    abstract Class<? extends SocketChannel> channels();

    abstract Class<? extends ServerChannel> listeners();

    /** {@return what it is, for the path report} */
    abstract String description();
}
