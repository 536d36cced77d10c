package io.kvwire.rdma;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import org.jctools.queues.MpscUnboundedArrayQueue;

import java.lang.invoke.VarHandle;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;

/**
 * The thread of some queue pairs, with the completion queue and the shared receive queue that they
 * have in common. Everything about a {@link Lane} happens on it. It spins for a while when there is
 * nothing to do, then sleeps on the completion channel.
 *
 * <p>Lanes are admitted only as long as the completion queue holds everything that all of them can
 * have in flight, so it cannot overrun.
 */
final class Poller {
    /** Marks the id of a receive; the rest is the number of its buffer. */
    static final long RECEIVE = Long.MIN_VALUE;

    /** Work request ids carry the lane's number above these bits, a count of requests below. */
    static final int LANE_SHIFT = 44;

    private static final int MAX_LANES = 1 << 16;
    private static final int BATCH = 64;
    private static final int TASK_CHUNK = 256;
    private static final long TICK_NANOS = 100_000_000;
    private static final System.Logger LOG = System.getLogger("io.kvwire.rdma");

    private final String name;
    private final RdmaOptions options;
    private final CompletionQueue completions;
    private final ReceiveQueue receives;
    private final ReceiveBuffers buffers;
    private final QueueRoom room;
    private final Completions batch = new Completions(BATCH);
    private final MpscUnboundedArrayQueue<Runnable> tasks =
            new MpscUnboundedArrayQueue<>(TASK_CHUNK);
    private final ArrayDeque<Lane> dirty = new ArrayDeque<>();
    private final ArrayDeque<Lane> ending = new ArrayDeque<>();
    private final Thread thread;

    private int nextNumber;

    /** The lanes by number; replaced, never changed. */
    private volatile Lane[] lanes = {};

    private volatile boolean sleeping;
    private volatile boolean stopping;

    /** Whether the completion queue is of no more use. */
    private volatile boolean dead;

    private long nextTick = System.nanoTime();
    private long nextDue = Long.MAX_VALUE;

    Poller(String name, VerbsDevice device, RdmaOptions options) {
        this.name = name;
        this.options = options;
        room = new QueueRoom(options, device.limits());
        completions = device.completionQueue(room.completions());
        try {
            receives = device.receiveQueue(room.receives());
        } catch (RuntimeException e) {
            completions.close();
            throw e;
        }
        buffers = new ReceiveBuffers(device, receives, options.messageBytes());
        thread = Thread.ofPlatform().daemon().name(name).unstarted(this::run);
    }

    void start() {
        thread.start();
    }

    CompletionQueue completions() {
        return completions;
    }

    ReceiveQueue receives() {
        return receives;
    }

    ReceiveBuffers buffers() {
        return buffers;
    }

    boolean onThread() {
        return Thread.currentThread() == thread;
    }

    /**
     * Makes room for a lane.
     *
     * @param sends that it may have posted
     * @param credits receives that its peer may use
     * @return a number for it, the upper part of its work requests' ids
     * @throws TransferException with {@link ErrorCode#RESOURCE_EXHAUSTED}
     */
    int admit(int sends, int credits) {
        if (dead) {
            throw new TransferException(
                    ErrorCode.RESOURCE_EXHAUSTED,
                    "the completion queue of " + name + " is broken: start the node anew");
        }
        synchronized (this) {
            room.require(name, sends, credits);
            buffers.promise(credits);
            room.take(sends, credits);
            return number();
        }
    }

    private int number() {
        for (int tries = 0; tries < MAX_LANES; tries++) {
            int candidate = nextNumber++ & (MAX_LANES - 1);
            if (candidate >= lanes.length || lanes[candidate] == null) {
                return candidate;
            }
        }
        throw new TransferException(ErrorCode.RESOURCE_EXHAUSTED, MAX_LANES + " lanes on " + name);
    }

    synchronized void add(Lane lane) {
        var all = Arrays.copyOf(lanes, Math.max(lanes.length, lane.number() + 1));
        all[lane.number()] = lane;
        lanes = all;
    }

    synchronized void remove(Lane lane) {
        int last = lanes.length;
        while (last > 0 && (lanes[last - 1] == null || lanes[last - 1] == lane)) {
            last--;
        }
        var all = Arrays.copyOf(lanes, last);
        if (lane.number() < last) {
            all[lane.number()] = null;
        }
        lanes = all;
    }

    /** Gives back the room of a lane. */
    synchronized void dismiss(int sends, int credits) {
        room.giveBack(sends, credits);
        buffers.takeBack(credits);
    }

    /** Runs a task on the thread, soon. */
    void execute(Runnable task) {
        tasks.offer(task);
        VarHandle.fullFence(); // the task must be seen by a thread that is about to sleep
        if (sleeping) {
            completions.wake();
        }
    }

    /** Has the lane pumped before the thread looks for more; on the thread alone. */
    void touch(Lane lane) {
        if (lane.mark()) {
            dirty.add(lane);
        }
    }

    /** Tells the lane when the completion queue is empty; on the thread alone. */
    void whenEmpty(Lane lane) {
        ending.add(lane);
    }

    /** Wakes at a time, to pump lanes that wait for it; on the thread alone. */
    void wakeAt(long nanos) {
        nextDue = nextDue == Long.MAX_VALUE || nanos - nextDue < 0 ? nanos : nextDue;
    }

    private void run() {
        long idleSince = 0;
        while (!stopping || lanes.length > 0) {
            int done = work();
            if (done > 0) {
                idleSince = 0;
                continue;
            }
            long now = System.nanoTime();
            if (idleSince == 0) {
                idleSince = now;
            }
            if (options.spins() || now - idleSince < options.spinNanos()) {
                Thread.onSpinWait();
            } else {
                sleep();
                idleSince = 0;
            }
        }
    }

    /** {@return how much there was to do: tasks, completions, lanes} */
    int work() {
        int done = 0;
        try {
            for (var task = tasks.poll(); task != null; task = tasks.poll()) {
                task.run();
                done++;
            }
            int endingBefore = ending.size();
            int polled = poll();
            for (int i = 0; i < polled; i++) {
                completed(i);
            }
            if (polled < BATCH) {
                emptied(endingBefore);
            }
            done += polled + times();
            for (var lane = dirty.poll(); lane != null; lane = dirty.poll()) {
                lane.unmark();
                lane.pump();
                done++;
            }
        } catch (RuntimeException e) {
            broken(e);
        }
        return done;
    }

    /** The completion queue has nothing left of lanes that waited for that before it was asked. */
    private void emptied(int waiting) {
        for (int i = 0; i < waiting; i++) {
            var lane = ending.poll();
            if (!lane.emptied()) {
                ending.add(lane);
            }
        }
    }

    private int poll() {
        if (dead) {
            return 0;
        }
        try {
            return completions.poll(batch);
        } catch (TransferException e) {
            dead = true;
            broken(e);
            // Nothing will be reported any more: only destroyed queue pairs are known to be quiet.
            for (var lane : lanes) {
                if (lane != null) {
                    lane.abandon();
                }
            }
            return 0;
        }
    }

    private void completed(int i) {
        long id = batch.id[i];
        if (id < 0) {
            int buffer = (int) (id & ~RECEIVE);
            if (batch.status[i] == Completions.SUCCESS) {
                received(i, buffer);
            }
            repost(buffer);
            return;
        }
        int number = (int) (id >>> LANE_SHIFT);
        var all = lanes;
        var lane = number < all.length ? all[number] : null;
        if (lane != null) {
            lane.sent(id & ((1L << LANE_SHIFT) - 1), batch.status[i]);
            touch(lane);
        }
    }

    private void received(int i, int buffer) {
        var lane = byQueuePair(batch.queuePair[i]);
        if (lane == null) {
            return;
        }
        if (batch.immediate[i]) {
            lane.written(batch.value[i]);
        } else {
            lane.received(buffers, buffer, batch.bytes[i]);
        }
        touch(lane);
    }

    private void repost(int buffer) {
        if (!stopping) {
            buffers.post(buffer);
        }
    }

    private Lane byQueuePair(int queuePair) {
        for (var lane : lanes) {
            if (lane != null && lane.queuePair() == queuePair) {
                return lane;
            }
        }
        return null;
    }

    /** {@return how many lanes had something due} */
    private int times() {
        long now = System.nanoTime();
        boolean tick = now - nextTick >= 0;
        boolean due = nextDue != Long.MAX_VALUE && now - nextDue >= 0;
        if (!tick && !due) {
            return 0;
        }
        if (tick) {
            nextTick = now + TICK_NANOS;
        }
        if (due) {
            nextDue = Long.MAX_VALUE;
        }
        for (var lane : lanes) {
            if (lane != null) {
                if (tick) {
                    lane.tick(now);
                }
                touch(lane);
            }
        }
        return due ? 1 : 0;
    }

    /** Sleeps until there is something to do, unless there is something already. */
    void sleep() {
        if (!dead) {
            completions.arm();
        }
        sleeping = true;
        try {
            if (work() == 0 && tasks.isEmpty() && !(stopping && lanes.length == 0)) {
                long nanos = lanes.length == 0 ? 10 * TICK_NANOS : TICK_NANOS;
                if (nextDue != Long.MAX_VALUE) {
                    nanos = Math.min(nanos, nextDue - System.nanoTime());
                }
                if (nanos > 0) {
                    completions.await(nanos);
                }
            }
        } finally {
            sleeping = false;
        }
    }

    /** Every lane is of no more use. */
    private void broken(RuntimeException e) {
        LOG.log(System.Logger.Level.ERROR, name + " failed: " + e.getMessage(), e);
        var reason =
                e instanceof TransferException known
                        ? known
                        : new TransferException(ErrorCode.INTERNAL, name + " failed: " + e, e);
        for (var lane : lanes) {
            if (lane != null) {
                lane.fail(reason);
            }
        }
        LockSupport.parkNanos(TICK_NANOS / 100);
    }

    void stop() {
        stopping = true;
        completions.wake();
    }

    /** Waits for the thread, unless it is the one that asks. */
    void join() {
        boolean interrupted = false;
        while (!onThread() && thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Gives the queues back; the thread has ended. */
    void release() {
        receives.close();
        buffers.close();
        completions.close();
    }
}
