package io.kvwire.tcp;

import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.channel.IoHandlerContext;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.IoRegistration;
import io.netty.util.concurrent.ThreadAwareExecutor;

/**
 * Makes an event loop poll without ever sleeping. Since it never sleeps, nobody has to wake it,
 * which saves the sender of a message a system call.
 */
final class SpinningHandler implements IoHandler {
    private final IoHandler polled;
    private final Poll poll = new Poll();

    private SpinningHandler(IoHandler polled) {
        this.polled = polled;
    }

    static IoHandlerFactory around(IoHandlerFactory factory) {
        return new IoHandlerFactory() {
            @Override
            public IoHandler newHandler(ThreadAwareExecutor executor) {
                return new SpinningHandler(factory.newHandler(executor));
            }
        };
    }

    @Override
    public int run(IoHandlerContext context) {
        poll.context = context;
        int handled = polled.run(poll);
        if (handled == 0) {
            Thread.onSpinWait();
        }
        return handled;
    }

    @Override
    public void wakeup() {
        // Never asleep.
    }

    @Override
    public void initialize() {
        polled.initialize();
    }

    @Override
    public void prepareToDestroy() {
        polled.prepareToDestroy();
    }

    @Override
    public void destroy() {
        polled.destroy();
    }

    @Override
    public IoRegistration register(IoHandle handle) throws Exception {
        return polled.register(handle);
    }

    @Override
    public boolean isCompatible(Class<? extends IoHandle> type) {
        return polled.isCompatible(type);
    }

    /** The turn of an event loop that must not block. */
    private static final class Poll implements IoHandlerContext {
        private IoHandlerContext context;

        @Override
        public boolean canBlock() {
            return false;
        }

        @Override
        public long delayNanos(long now) {
            return context.delayNanos(now);
        }

        @Override
        public long deadlineNanos() {
            return context.deadlineNanos();
        }

        @Override
        public void reportActiveIoTime(long nanos) {
            context.reportActiveIoTime(nanos);
        }

        @Override
        public boolean shouldReportActiveIoTime() {
            return context.shouldReportActiveIoTime();
        }
    }
}
