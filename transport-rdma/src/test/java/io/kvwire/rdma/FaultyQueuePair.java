package io.kvwire.rdma;

import java.util.concurrent.locks.LockSupport;

/**
 * A queue pair of {@link FaultyVerbs}, which posts late, shows less than it was told to, and fails
 * when that is ordered.
 */
final class FaultyQueuePair implements QueuePair {
    private final QueuePair real;
    private final OrderedFaults faults;
    private boolean oneSided;
    private volatile boolean failing;

    FaultyQueuePair(QueuePair real, OrderedFaults faults) {
        this.real = real;
        this.faults = faults;
    }

    /** Brings it to error behind the next READ or WRITE that it posts, while that is in flight. */
    void failInFlight() {
        failing = true;
    }

    @Override
    public int number() {
        return real.number();
    }

    @Override
    public int inlineBytes() {
        return real.inlineBytes();
    }

    @Override
    public boolean immediates() {
        return real.immediates();
    }

    @Override
    public void connect(RemoteEnd remote) {
        real.connect(remote);
    }

    @Override
    public int listen() {
        return real.listen();
    }

    @Override
    public void accept(RemoteEnd remote, long secret, long deadlineNanos) {
        real.accept(remote, secret, deadlineNanos);
    }

    @Override
    public void connect(RemoteEnd remote, long secret, long deadlineNanos) {
        real.connect(remote, secret, deadlineNanos);
    }

    @Override
    public void add(int opcode, int flags, long id) {
        oneSided |= opcode == READ || opcode == WRITE || opcode == WRITE_WITH_IMMEDIATE;
        real.add(opcode, flags, id);
    }

    @Override
    public void remote(long address, int remoteKey) {
        real.remote(address, remoteKey);
    }

    @Override
    public void immediate(int value) {
        real.immediate(value);
    }

    @Override
    public void invalidating(int shownKey) {
        real.invalidating(faults.trueKeys.getOrDefault(shownKey, shownKey));
    }

    @Override
    public void binding(Window bound, int shownKey) {
        var window = (FaultyWindow) bound;
        if (faults.key != FaultyVerbs.Key.RIGHT) {
            faults.inject();
        }
        real.binding(window.real(), window.bound());
    }

    @Override
    public void showing(MemoryKeys registration, long start, long bytes, int access) {
        long shown = faults.key == FaultyVerbs.Key.SHORT ? bytes / 2 : bytes;
        real.showing(
                registration,
                start,
                shown,
                faults.key == FaultyVerbs.Key.WEAK ? FaultyKeys.weaker(access) : access);
    }

    @Override
    public void gather(long address, int bytes, int localKey) {
        real.gather(address, bytes, localKey);
    }

    @Override
    public int room() {
        return real.room();
    }

    @Override
    public void post() {
        if (oneSided && faults.stalling) {
            faults.inject();
            while (faults.stalling) {
                LockSupport.parkNanos(1_000_000);
            }
        }
        boolean doomed = oneSided && failing;
        oneSided = false;
        real.post();
        if (doomed) {
            failing = false;
            faults.inject();
            real.error();
        }
    }

    @Override
    public boolean mayTakeReceives() {
        return real.mayTakeReceives();
    }

    @Override
    public void error() {
        real.error();
    }

    @Override
    public void close() {
        faults.pairs.remove(this);
        real.close();
    }
}
