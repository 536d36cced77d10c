package io.kvwire.tcp;

import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.channel.IoHandlerContext;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.IoRegistration;
import io.netty.util.concurrent.ThreadAwareExecutor;

import java.util.function.BooleanSupplier;

/**
 * Makes an event loop poll without sleeping, as long as there is something to spin for. Since it
 * does not sleep then, nobody has to wake it, which saves the sender of a message a system call.
 */
final class SpinningHandler implements IoHandler {
    private final IoHandler polled;
    private final BooleanSupplier worth;
    private final Poll poll = new Poll();

    /**
     * Set before the loop looks for tasks and sleeps: who gives it one sees that, or it the task.
     */
    private volatile boolean maySleep;

    private SpinningHandler(IoHandler polled, BooleanSupplier worth) {
        this.polled = polled;
        this.worth = worth;
    }

    /**
     * {@return handlers that spin}
     *
     * @param worth whether there is something to spin for
     */
    static IoHandlerFactory around(IoHandlerFactory factory, BooleanSupplier worth) {
        return new IoHandlerFactory() {
            @Override
            public IoHandler newHandler(ThreadAwareExecutor executor) {
                return new SpinningHandler(factory.newHandler(executor), worth);
            }
        };
    }

    @Override
    public int run(IoHandlerContext context) {
        boolean rests = !worth.getAsBoolean();
        if (rests != maySleep) {
            maySleep = rests;
        }
        if (rests) {
            return polled.run(context);
        }
        poll.context = context;
        int handled = polled.run(poll);
        if (handled == 0) {
            Thread.onSpinWait();
        }
        return handled;
    }

    @Override
    public void wakeup() {
        if (maySleep) {
            polled.wakeup();
        }
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
