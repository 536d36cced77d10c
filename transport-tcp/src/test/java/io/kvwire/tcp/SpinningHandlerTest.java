package io.kvwire.tcp;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.channel.IoHandlerContext;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.IoRegistration;
import io.netty.util.concurrent.ImmediateEventExecutor;
import io.netty.util.concurrent.ThreadAwareExecutor;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

class SpinningHandlerTest {
    private final List<String> seen = new ArrayList<>();
    private final AtomicBoolean worth = new AtomicBoolean();
    private final IoHandler handler = spinning();

    @Test
    void pollsAndNeedsNoWakingWhileThereIsSomethingToSpinFor() {
        worth.set(true);
        handler.run(new Idle());
        handler.wakeup();
        assertEquals(List.of("polls"), seen);
    }

    @Test
    void sleepsAndIsWokenOnceThereIsNothing() {
        worth.set(true);
        handler.run(new Idle());
        worth.set(false);
        handler.run(new Idle());
        handler.wakeup();
        assertEquals(List.of("polls", "sleeps", "woken"), seen);
    }

    @Test
    void spinsAgainOnceThereIsSomething() {
        handler.run(new Idle());
        worth.set(true);
        handler.run(new Idle());
        handler.wakeup();
        assertEquals(List.of("sleeps", "polls"), seen);
    }

    private IoHandler spinning() {
        var factory =
                new IoHandlerFactory() {
                    @Override
                    public IoHandler newHandler(ThreadAwareExecutor executor) {
                        return new Polled();
                    }
                };
        return SpinningHandler.around(factory, worth::get)
                .newHandler(ImmediateEventExecutor.INSTANCE);
    }

    /** Says what it was told to do. */
    private final class Polled implements IoHandler {
        @Override
        public int run(IoHandlerContext context) {
            seen.add(context.canBlock() ? "sleeps" : "polls");
            return 0;
        }

        @Override
        public void wakeup() {
            seen.add("woken");
        }

        @Override
        public IoRegistration register(IoHandle handle) {
            throw new UnsupportedOperationException();
        }

        @Override
        public boolean isCompatible(Class<? extends IoHandle> type) {
            return false;
        }
    }

    /** The turn of a loop that has nothing to do. */
    private static final class Idle implements IoHandlerContext {
        @Override
        public boolean canBlock() {
            return true;
        }

        @Override
        public long delayNanos(long now) {
            return 0;
        }

        @Override
        public long deadlineNanos() {
            return -1;
        }
    }
}
