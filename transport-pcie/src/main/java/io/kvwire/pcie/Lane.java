package io.kvwire.pcie;

import io.kvwire.ffi.linux.Descriptors;
import io.kvwire.ffi.linux.LocalSocket;
import io.kvwire.ffi.linux.Poll;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/**
 * One lane to a process on this host, and its thread: two rings in memory that both have mapped, a
 * socket whose end is that of the other process, and a doorbell for each end. Other threads give it
 * what is in its queue; all else is confined to the lane's own.
 *
 * <p>The thread spins for a while when there is nothing to do, then says so in the shared memory
 * and sleeps until its doorbell rings or the socket ends; where the node's mode is to spin, one
 * lane of a link stays awake.
 */
final class Lane implements Runnable {
    private static final System.Logger LOG = System.getLogger("io.kvwire.pcie");
    private static final long TICK_NANOS = 50_000_000;

    /** To look at the clock takes as long as to look for work. */
    private static final int ROUNDS_PER_CLOCK = 32;

    /** At messages, between two looks at all else. */
    private static final int LOOKS = 4;

    /** Between two looks at what devices copy. */
    private static final long DEVICE_REST_NANOS = 20_000;

    /** For the other end to close what it has open of this one's devices. */
    private static final long LEAVE_NANOS = 2_000_000_000;

    private static final int NANOS_PER_MILLI = 1_000_000;

    private final PcieLink link;
    private final LaneParts parts;
    private final long spinNanos;
    private final SocketQueue told;
    private final Imports imports;
    private final Exports exports;
    private final LaneIn in;
    private final LaneOut out;
    private final Poll wait;
    private final Poll socketWait;
    private final int bellPlace;
    private final int socketPlace;
    private final Thread thread;
    private final LaneQueue queue;
    private final Optional<LinkMessages> messages;
    private final CompletableFuture<Void> ended = new CompletableFuture<>();
    private boolean peerEnded;
    private boolean awake;

    private long nextTick = System.nanoTime() + TICK_NANOS;

    Lane(PcieLink link, LaneParts parts) {
        this.link = link;
        this.parts = parts;
        spinNanos = link.options().spinNanos();
        messages = link.linkMessages();
        queue = new LaneQueue(parts, link.pace());
        told = new SocketQueue(parts.socket());
        imports = new Imports(new DeviceImports(told, link::devices, link.noDevice()));
        exports = new Exports(parts.socket(), told, parts.peerCannotRead().isEmpty());
        in = new LaneIn(this, link.handler(), parts, imports);
        out = new LaneOut(this, queue, parts.out(), exports, link.options());
        wait = new Poll(parts.arena(), 2);
        bellPlace = wait.add(parts.bell().descriptor());
        socketPlace = wait.add(parts.socket().descriptor());
        socketWait = new Poll(parts.arena(), 1);
        socketWait.add(parts.socket().descriptor());
        thread = Thread.ofPlatform().daemon().name(link.threadName(index())).unstarted(this);
    }

    void start() {
        thread.start();
    }

    int index() {
        return parts.index();
    }

    LaneParts parts() {
        return parts;
    }

    boolean onThread() {
        return Thread.currentThread() == thread;
    }

    // ---- for any thread -------------------------------------------------------------------------

    /** {@return what other threads give the lane} */
    LaneQueue queue() {
        return queue;
    }

    /**
     * Takes a device's memory back from the other end.
     *
     * @return completes when the other end has closed it, or the lane has ended
     */
    CompletableFuture<Void> hide(MemorySegment memory) {
        var closed = new CompletableFuture<Void>();
        queue.execute(() -> exports.ofDevices().hide(memory, closed));
        return CompletableFuture.anyOf(closed, ended).thenAccept(_ -> {});
    }

    /**
     * Has something made on the thread of the lane.
     *
     * @return completes with it, or exceptionally: also when the lane has ended before
     */
    <T> CompletableFuture<T> make(Supplier<T> maker) {
        var made = new CompletableFuture<T>();
        queue.execute(() -> {
            try {
                made.complete(maker.get());
            } catch (RuntimeException e) {
                made.completeExceptionally(e);
            }
        });
        return CompletableFuture.anyOf(made, ended)
                .thenApply(_ -> {
                    made.completeExceptionally(
                            new TransferException(ErrorCode.LANE_LOST, "the lane has ended"));
                    return made.join();
                });
    }

    /** The node has a cache in memory of one more device. */
    void deviceAdded() {
        queue.execute(imports::deviceAdded);
    }

    // ---- for its two directions, and what is made on its thread ---------------------------------

    Exports exports() {
        return exports;
    }

    Imports.Region region(int id) {
        return in.region(id);
    }

    /** Wakes the other end if it sleeps: there is something new in the memory. */
    void wakePeer() {
        VarHandle.fullFence();
        if (parts.out().takeSleep()) {
            parts.peerBell().wake();
        }
    }

    /** Takes what the socket has: regions, or the end of the other process. */
    void hear() {
        while (true) {
            var message = parts.socket().receive();
            if (message.isEmpty()) {
                return;
            }
            if (message.get().ended()) {
                peerEnded = true;
                throw new TransferException(
                        ErrorCode.LANE_LOST,
                        "process " + parts.peer().pid() + " has closed the lane, or died");
            }
            try {
                take(message.get());
            } catch (RuntimeException e) {
                Descriptors.close(message.get().descriptors());
                throw e;
            }
        }
    }

    private void take(LocalSocket.Message message) {
        var what = SocketMessage.open(message.bytes());
        byte type = SocketMessage.type(what);
        if (type == SocketMessage.GONE) {
            in.ofDevices().drain(); // nothing is copied from what is gone
            wakePeer();
        }
        if (type == SocketMessage.REGION || type == SocketMessage.GONE) {
            imports.told(type, what, message.descriptors());
        } else {
            LaneMemory.require(message.descriptors().length == 0, "a descriptor too many");
            exports.ofDevices().told(type, what);
        }
    }

    /** Fails the lane when the other process is gone. */
    void requirePeer() {
        if (socketWait.await(0)) {
            hear();
        }
    }

    // ---- the thread -----------------------------------------------------------------------------

    @Override
    public void run() {
        try {
            loop();
        } catch (TransferException e) {
            queue.failSoon(e);
        } catch (RuntimeException | Error e) {
            LOG.log(System.Logger.Level.ERROR, "lane " + index() + " of " + link, e);
            queue.failSoon(
                    new TransferException(
                            ErrorCode.LANE_LOST, "the node could not take a frame: " + e, e));
        }
        end();
    }

    private void loop() {
        long idleSince = 0;
        for (int round = 0; queue.failure() == null; round++) {
            boolean idle = work() == 0 && listen() == 0;
            if (!idle) {
                idleSince = 0;
            }
            if (round % ROUNDS_PER_CLOCK != 0) {
                continue;
            }
            long now = System.nanoTime();
            tick(now);
            if (!idle) {
                continue;
            }
            if (idleSince == 0) {
                idleSince = now;
            }
            if (now - idleSince >= spinNanos && !staysAwake()) {
                sleep();
                idleSince = 0;
            }
        }
    }

    /**
     * Waits a moment, and looks for messages meanwhile if this lane stays awake for them: what it
     * costs to look for all else would make them late.
     *
     * @return how many there were
     */
    private int listen() {
        if (!awake) {
            Thread.onSpinWait();
            return 0;
        }
        int done = 0;
        for (int i = 0; i < LOOKS && done == 0; i++) {
            done = lookForMessages();
        }
        return done;
    }

    /** One lane of a link, as long as the node's others leave it a core for that. */
    private boolean staysAwake() {
        if (!awake && link.options().staysAwake() && link.leads(this)) {
            awake = link.wakefulness().take();
        }
        return awake;
    }

    private void tick(long now) {
        if (now - nextTick >= 0) {
            nextTick = now + TICK_NANOS;
            requirePeer();
            var _ = told.flush();
            out.sweep();
            queue.sweep();
        }
    }

    /** {@return how much there was to do} */
    private int work() {
        int done = lookForMessages();
        done += queue.runTasks();
        done += in.receive();
        done += settle();
        done += out.pump();
        return done;
    }

    private int settle() {
        int done = in.ofDevices().settle();
        if (done > 0) {
            wakePeer();
        }
        return done;
    }

    /** {@return how many there were; called between any two frames, too} */
    int lookForMessages() {
        return messages.isPresent() && link.leads(this) ? messages.get().look() : 0;
    }

    private void sleeps(boolean asleep) {
        queue.sleeps(asleep);
        parts.in().sleeps(asleep);
        if (messages.isPresent() && link.leads(this)) {
            messages.get().sleeps(asleep);
        }
    }

    /** Sleeps until there is something to do, unless there is something already. */
    private void sleep() {
        if (in.ofDevices().any()) {
            LockSupport.parkNanos(DEVICE_REST_NANOS); // nobody rings when a device is done
            return;
        }
        sleeps(true);
        VarHandle.fullFence();
        try {
            if (work() > 0 || queue.failure() != null) {
                return;
            }
            long nanos = queue.untilDue(nextTick - System.nanoTime());
            if (nanos > 0 && wait.await((int) (nanos / NANOS_PER_MILLI) + 1)) {
                if (wait.ready(bellPlace)) {
                    parts.bell().clear();
                }
                if (wait.ready(socketPlace)) {
                    hear();
                }
            }
        } finally {
            sleeps(false);
        }
    }

    /** Gives everything back, and lets the link know. */
    private void end() {
        if (awake) {
            link.wakefulness().give();
        }
        if (messages.isPresent() && link.leads(this)) {
            messages.get().linger();
        }
        queue.shut();
        var why = Optional.ofNullable(queue.failure()).orElseThrow();
        link.lost(why);
        in.lost();
        out.lost();
        queue.clear();
        imports.close();
        if (exports.ofDevices().any() && !peerEnded) {
            awaitPeer();
        }
        parts.close();
        ended.complete(null);
        link.gone(this, why);
    }

    /**
     * Says that nothing more will come, and waits for the other end to leave: then it has closed
     * what it had open, and the owner may free it.
     */
    private void awaitPeer() {
        parts.socket().endSending();
        long until = System.nanoTime() + LEAVE_NANOS;
        for (long left = LEAVE_NANOS; left > 0; left = until - System.nanoTime()) {
            socketWait.await((int) (left / NANOS_PER_MILLI) + 1);
            for (var said = parts.socket().receive();
                    said.isPresent();
                    said = parts.socket().receive()) {
                if (said.get().ended()) {
                    return;
                }
                Descriptors.close(said.get().descriptors());
            }
        }
        LOG.log(
                System.Logger.Level.WARNING,
                () -> link + ": process " + parts.peer().pid() + " may have device memory open");
    }
}
