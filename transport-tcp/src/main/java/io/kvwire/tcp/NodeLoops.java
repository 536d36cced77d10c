package io.kvwire.tcp;

import io.kvwire.transport.NodeConfig;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.EventExecutor;

import java.util.IdentityHashMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The event loops of one node, shared by its control channel and its data lanes: a node that spins
 * takes no more cores than it was told to, and none while nothing comes over TCP. They end when
 * both are closed. Thread-safe.
 */
final class NodeLoops {
    private static final IdentityHashMap<NodeConfig, NodeLoops> OPEN = new IdentityHashMap<>();

    private final NodeConfig config;
    private final TcpOptions options;
    private final EventLoopGroup group;

    /** Connections that bytes are waited for on: only for those is it worth to spin. */
    private final AtomicInteger busy = new AtomicInteger();

    private int users;

    private NodeLoops(NodeConfig config) {
        this.config = config;
        options = TcpOptions.of(config);
        var handlers = options.io().handlers();
        group =
                new MultiThreadIoEventLoopGroup(
                        options.threads(),
                        new DefaultThreadFactory("kvwire-tcp-" + config.name(), true),
                        config.waitMode() == NodeConfig.WaitMode.SPIN
                                ? SpinningHandler.around(handlers, () -> busy.get() > 0)
                                : handlers);
    }

    /** {@return the loops of a node, to be given back with {@link #release}} */
    static NodeLoops of(NodeConfig config) {
        synchronized (OPEN) {
            var loops = OPEN.computeIfAbsent(config, NodeLoops::new);
            loops.users++;
            return loops;
        }
    }

    EventLoopGroup group() {
        return group;
    }

    TcpOptions options() {
        return options;
    }

    /** A connection is there that carries bytes until its end, or until a faster way does. */
    void busyUntil(CompletableFuture<?> end) {
        busy.incrementAndGet();
        var _ = end.whenComplete((_, _) -> busy.decrementAndGet());
    }

    /** {@return whether the calling thread is one of the loops, and so must not wait for them} */
    boolean isLoop() {
        for (EventExecutor loop : group) {
            if (loop.inEventLoop()) {
                return true;
            }
        }
        return false;
    }

    /** Gives the loops back; the last user waits until their threads have ended. */
    void release() {
        synchronized (OPEN) {
            if (--users > 0) {
                return;
            }
            OPEN.remove(config);
        }
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        if (!isLoop()) {
            group.terminationFuture().awaitUninterruptibly(5, TimeUnit.SECONDS);
        }
    }
}
