package io.kvwire.pcie.cuda;

import io.kvwire.ffi.cuda.Context;
import io.kvwire.ffi.cuda.Event;
import io.kvwire.ffi.cuda.Stream;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntConsumer;

/**
 * Tells when a stream has come past the work of each layer, so that a layer is sent as soon as it
 * is there, with no wait in the stream and none of the thread that fills it.
 *
 * <p>The thread that gives work to the stream {@linkplain #mark marks} each layer behind its work;
 * a thread of this object's own hears of each, in the order of the marks. Events are used again, so
 * marking allocates nothing after the first request.
 *
 * <p>{@link #mark} belongs to one thread at a time. An error of the device reaches the listener of
 * failures once, and ends the watch.
 *
 * {@snippet :
 * try (var ready = new LayerEvents(context, stream::layerReady, stream::abort)) {
 *     for (int layer = 0; layer < layers; layer++) {
 *         launchLayer(layer, compute);
 *         ready.mark(layer, compute);
 *     }
 *     ready.await();
 * }
 * }
 */
public final class LayerEvents implements AutoCloseable {
    /** How long an event is looked at without a rest: launches of small layers take as long. */
    private static final long SPIN_NANOS = TimeUnit.MICROSECONDS.toNanos(50);

    private static final long REST_NANOS = TimeUnit.MICROSECONDS.toNanos(20);

    private final Context context;
    private final IntConsumer ready;
    private final FailureListener failed;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final ArrayDeque<Mark> marks = new ArrayDeque<>();
    private final ArrayDeque<Mark> spare = new ArrayDeque<>();
    private final Thread watcher;
    private boolean closing;
    private boolean over;

    /** Hears why no further layer will be ready. */
    @FunctionalInterface
    public interface FailureListener {
        /**
         * Called once, on the watching thread.
         *
         * @param failure of the device, or what the listener of layers threw
         */
        void failed(TransferException failure);
    }

    private static final class Mark {
        final Event event;
        int layer;

        Mark(Event event) {
            this.event = event;
        }
    }

    /**
     * Starts to watch.
     *
     * @param context of the streams
     * @param ready hears the number of each layer, on a thread of this object's own
     * @param failed hears why there will be no more
     */
    public LayerEvents(Context context, IntConsumer ready, FailureListener failed) {
        this.context = context;
        this.ready = ready;
        this.failed = failed;
        watcher = Thread.ofPlatform().name("kvwire-cuda-layers").daemon().start(this::watch);
    }

    /**
     * Marks the end of a layer's work.
     *
     * @param layer its number
     * @param compute the stream that all of it was given to
     * @throws TransferException with {@link ErrorCode#CLOSED} after {@link #close} or a failure
     */
    public void mark(int layer, Stream compute) {
        var mark = take();
        mark.layer = layer;
        compute.record(mark.event);
        lock.lock();
        try {
            if (closing || over) {
                spare.push(mark);
                throw new TransferException(ErrorCode.CLOSED, "nobody waits for layers any more");
            }
            marks.add(mark);
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private Mark take() {
        lock.lock();
        try {
            var mark = spare.poll();
            return mark == null ? new Mark(context.event()) : mark;
        } finally {
            lock.unlock();
        }
    }

    /** Waits until the listener has heard of every layer marked so far, or of a failure. */
    public void await() {
        lock.lock();
        try {
            while (!marks.isEmpty() && !over) {
                changed.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
    }

    private void watch() {
        try {
            for (var mark = first(); mark != null; mark = first()) {
                await(mark.event);
                ready.accept(mark.layer);
                done();
            }
        } catch (TransferException e) {
            end(e);
        } catch (RuntimeException e) {
            end(new TransferException(ErrorCode.INTERNAL, "a layer could not be sent", e));
        }
    }

    /** Polled: a callback of the driver would hold the stream up until Java has run. */
    private static void await(Event event) {
        long start = System.nanoTime();
        while (!event.isDone()) {
            if (System.nanoTime() - start > SPIN_NANOS) {
                LockSupport.parkNanos(REST_NANOS);
            } else {
                Thread.onSpinWait();
            }
        }
    }

    private Mark first() {
        lock.lock();
        try {
            while (marks.isEmpty() && !closing) {
                changed.awaitUninterruptibly();
            }
            return marks.peek();
        } finally {
            lock.unlock();
        }
    }

    private void done() {
        lock.lock();
        try {
            spare.push(marks.remove());
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void end(TransferException failure) {
        lock.lock();
        try {
            over = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        failed.failed(failure);
    }

    /** Hears of the layers that are marked, and ends. */
    @Override
    public void close() {
        lock.lock();
        try {
            closing = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        joinUninterruptibly();
        marks.forEach(mark -> mark.event.close());
        spare.forEach(mark -> mark.event.close());
        marks.clear();
        spare.clear();
    }

    private void joinUninterruptibly() {
        boolean interrupted = false;
        while (watcher.isAlive()) {
            try {
                watcher.join();
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
