package io.kvwire.tcp;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.local.LocalChannel;
import io.netty.channel.local.LocalIoHandler;

import org.junit.jupiter.api.Test;

import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

class ConnectionTest {
    /** As when the last lane of another wire ends a session whose node is being closed. */
    @Test
    void whatComesAfterTheLoopsHaveEndedIsLeftAside() throws Exception {
        var loops = new MultiThreadIoEventLoopGroup(1, LocalIoHandler.newFactory());
        var channel = new LocalChannel();
        loops.register(channel).sync();
        loops.shutdownGracefully(0, 0, TimeUnit.SECONDS).sync();
        assertThrows(RejectedExecutionException.class, () -> channel.eventLoop().execute(() -> {}));
        var ran = new AtomicBoolean();

        Connection.onLoop(channel, () -> ran.set(true));

        assertFalse(ran.get());
    }
}
