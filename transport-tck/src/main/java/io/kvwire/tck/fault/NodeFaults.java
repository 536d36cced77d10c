package io.kvwire.tck.fault;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.Wires;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * What goes wrong at one node: at random by a {@link FaultPlan}, or exactly when told to. Covers
 * all links that the node makes over wires given by {@link #around}. Thread-safe.
 */
public final class NodeFaults {
    /** How the node takes part in the network. */
    enum Presence {
        UP,
        /** Takes and gives nothing, and nobody is told. */
        VANISHED,
        /** Its links are broken. */
        DEAD
    }

    private final Fate fate;
    private final ScheduledExecutorService timer;
    private final Stall stall = new Stall();
    private final Set<FaultyLink> links = ConcurrentHashMap.newKeySet();
    private final Set<FaultyControlLink> controls = ConcurrentHashMap.newKeySet();
    private volatile Presence presence = Presence.UP;
    private volatile boolean holding;

    NodeFaults(Fate fate, ScheduledExecutorService timer) {
        this.fate = fate;
        this.timer = timer;
    }

    /**
     * {@return wires like these, under the faults of this node}
     *
     * @param wires real ones
     */
    public Wires around(Wires wires) {
        return new Taps(handler -> new FaultyLink(this, handler), () -> new FaultyControlLink(this))
                .around(wires);
    }

    /**
     * Lets faults strike at random from now on.
     *
     * @param plan how often
     */
    public void use(FaultPlan plan) {
        fate.use(plan);
    }

    /** Ends all faults but death: what was held is sent, what was stalled goes on. */
    public void calm() {
        use(FaultPlan.NONE);
        resume();
        send();
    }

    /** Holds data frames back before the wire sees them, until {@link #send}. */
    public void hold() {
        holding = true;
    }

    /** {@return how many frames are held back or late} */
    public int held() {
        return links.stream().mapToInt(FaultyLink::waiting).sum();
    }

    /** Sends what was held back. */
    public void send() {
        holding = false;
        links.forEach(FaultyLink::sendHeld);
    }

    /** Sends one of the frames that are held back, whichever. */
    public void sendOne() {
        var unused = links.stream().anyMatch(FaultyLink::sendOneHeld);
    }

    /**
     * Stops the wire's threads in every frame with a payload that arrives from now on.
     *
     * @param point where in the frame
     */
    public void stall(StallPoint point) {
        stall.begin(point);
    }

    /** {@return how many frames are stalled now, at most one for each lane} */
    public int stalled() {
        return stall.waiting();
    }

    /** Lets stalled frames go on, and later ones pass. */
    public void resume() {
        stall.end();
    }

    /** Lets stalled frames go on to where the next ones are stalled again. */
    public void step() {
        stall.step();
    }

    /** Breaks every link at once, without a goodbye, as the death of the process would. */
    public void kill() {
        presence = Presence.DEAD;
        resume();
        var reason =
                new TransferException(ErrorCode.PEER_LOST, "the fault injector killed this node");
        links.forEach(link -> link.close(reason));
        controls.forEach(link -> link.close(reason));
    }

    /** Silences the node: links stay up and nothing passes, as when a host loses its power. */
    public void vanish() {
        presence = Presence.VANISHED;
    }

    /**
     * {@return how often a fault has struck here}
     *
     * @param fault which
     */
    public long count(Fault fault) {
        return fate.count(fault);
    }

    Fate fate() {
        return fate;
    }

    Stall stalls() {
        return stall;
    }

    Presence presence() {
        return presence;
    }

    boolean holding() {
        return holding || presence == Presence.VANISHED;
    }

    void later(Runnable work) {
        if (!timer.isShutdown()) {
            var unused = timer.schedule(work, fate.delayNanos(), TimeUnit.NANOSECONDS);
        }
    }

    void opened(FaultyLink link) {
        links.add(link);
    }

    void ended(FaultyLink link) {
        links.remove(link);
    }

    void opened(FaultyControlLink link) {
        controls.add(link);
    }

    void ended(FaultyControlLink link) {
        controls.remove(link);
    }
}
