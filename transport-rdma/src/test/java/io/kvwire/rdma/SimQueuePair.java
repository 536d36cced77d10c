package io.kvwire.rdma;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;

/**
 * A simulated reliable queue pair. Work requests are carried out in order, one in each step. Bytes
 * of a WRITE may land late and in any order, but all before the next receive completion of the same
 * queue pair; completions keep their order and may come late.
 */
final class SimQueuePair extends SimBatch {
    private static final int REMOTE_ACCESS_ERROR = 10;
    private static final int LOCAL_PROTECTION_ERROR = 4;
    private static final int WINDOW_BIND_ERROR = 6;
    private static final int REMOTE_OPERATION_ERROR = 11;
    private static final int RETRIES_EXCEEDED = 12;
    private static final int NOT_READY_RETRIES_EXCEEDED = 13;
    private static final int ENDLESS = 7;

    private enum State {
        INIT,
        READY,
        ERROR,
        GONE
    }

    @SuppressWarnings("ArrayRecordComponent") // made, landed, dropped; never compared
    private record Fragment(long to, byte[] bytes) {
        void land() {
            SimFabric.at(to, bytes.length).copyFrom(MemorySegment.ofArray(bytes));
        }
    }

    private final SimFabric fabric;
    private final SimReceiveQueue receives;
    private final int number;
    private final ArrayDeque<SimRequest> posted = new ArrayDeque<>();
    private final List<Fragment> landing = new ArrayList<>();
    private final SimReports reports;
    private int outstanding;
    private int notReady;
    private State state = State.INIT;
    private int remoteNumber;
    private OptionalLong secret = OptionalLong.empty();
    private boolean cut;
    private boolean receivesOver;

    SimQueuePair(
            SimDevice device,
            SimCompletionQueue completions,
            SimReceiveQueue receives,
            QueueSpec spec) {
        super(device, spec);
        fabric = device.fabric();
        this.receives = receives;
        fabric.lock.lock();
        try {
            number = fabric.add(this);
        } finally {
            fabric.lock.unlock();
        }
        reports = new SimReports(fabric, completions, number);
    }

    // ---- the interface --------------------------------------------------------------------------

    @Override
    public int number() {
        return number;
    }

    @Override
    public boolean immediates() {
        return device.immediates();
    }

    @Override
    public void connect(RemoteEnd remote) {
        fabric.lock.lock();
        try {
            remoteNumber = remote.queuePair();
            state = State.READY;
            fabric.busy(this);
        } finally {
            fabric.lock.unlock();
        }
    }

    @Override
    public int listen() {
        return number;
    }

    @Override
    public void accept(RemoteEnd remote, long known, long deadlineNanos) {
        fabric.lock.lock();
        try {
            secret = OptionalLong.of(known);
            fabric.changedConnection.signalAll();
            fabric.awaitConnection(() -> state != State.INIT, deadlineNanos);
        } finally {
            fabric.lock.unlock();
        }
    }

    @Override
    public void connect(RemoteEnd remote, long shown, long deadlineNanos) {
        fabric.lock.lock();
        try {
            var peer = fabric.pair(remote.port());
            fabric.awaitConnection(() -> peer == null || peer.secret.isPresent(), deadlineNanos);
            if (peer == null || peer.secret.getAsLong() != shown || peer.state != State.INIT) {
                throw new TransferException(ErrorCode.UNREACHABLE, "rejected");
            }
            peer.remoteNumber = number;
            peer.state = State.READY;
            remoteNumber = peer.number;
            state = State.READY;
            fabric.changedConnection.signalAll();
            fabric.busy(this);
        } finally {
            fabric.lock.unlock();
        }
    }

    SimDevice device() {
        return device;
    }

    @Override
    public void post() {
        fabric.lock.lock();
        try {
            for (var request : batch) {
                if (outstanding == spec.depth()) {
                    throw new AssertionError("a send queue of " + spec.depth() + " overruns");
                }
                outstanding++;
                if ((request.flags & INLINE) != 0) {
                    request.inline = request.collect();
                }
                posted.add(request);
            }
            batch.clear();
            fabric.busy(this);
        } finally {
            fabric.lock.unlock();
        }
    }

    @Override
    public void error() {
        fabric.lock.lock();
        try {
            state = State.ERROR;
            fabric.busy(this);
        } finally {
            fabric.lock.unlock();
        }
    }

    @Override
    public void close() {
        fabric.lock.lock();
        try {
            state = State.GONE;
            fabric.changedConnection.signalAll();
            landing.clear();
            reports.end();
            fabric.remove(this);
        } finally {
            fabric.lock.unlock();
        }
    }

    /** {@return whether it was destroyed} */
    boolean gone() {
        fabric.lock.lock();
        try {
            return state == State.GONE;
        } finally {
            fabric.lock.unlock();
        }
    }

    /** Cuts the cable: what is sent from now on is never answered. */
    void cut() {
        fabric.lock.lock();
        try {
            cut = true;
            fabric.busy(this);
        } finally {
            fabric.lock.unlock();
        }
    }

    // ---- the network ----------------------------------------------------------------------------

    /** Does one thing; false when there is nothing to do. Called with the fabric's lock. */
    boolean step(Random random, SimFabric.Weather weather) {
        if (reports.mayReport() && random.nextDouble() >= weather.lateCompletion()) {
            reports.report(random);
            return true;
        }
        if (state == State.ERROR) {
            return flush() || flushReceive() || reports.mayReport();
        }
        if (!landing.isEmpty() && random.nextDouble() >= weather.lateBytes()) {
            landing.remove(random.nextInt(landing.size())).land();
            return true;
        }
        if (state == State.READY && !posted.isEmpty()) {
            return carryOut(posted.peek()) || !reports.isEmpty() || !landing.isEmpty();
        }
        return !reports.isEmpty() || !landing.isEmpty();
    }

    private boolean flush() {
        landing.clear();
        var request = posted.poll();
        if (request == null) {
            return false;
        }
        reports.add(request.id, Completions.FLUSHED);
        outstanding = 0;
        return true;
    }

    /** The receive that half a message had taken comes back after all that was posted. */
    private boolean flushReceive() {
        if (!fabric.forgets() || receivesOver) {
            return false;
        }
        receivesOver = true;
        var taken = receives.posted.poll();
        if (taken == null) {
            return false;
        }
        reports.add(taken.id(), Completions.FLUSHED);
        return true;
    }

    @Override
    public boolean mayTakeReceives() {
        fabric.lock.lock();
        try {
            return fabric.forgets() && !(receivesOver && reports.isEmpty());
        } finally {
            fabric.lock.unlock();
        }
    }

    /** Carries a request out; false when it has to wait for the peer. */
    private boolean carryOut(SimRequest request) {
        var peer = fabric.pair(remoteNumber);
        if (cut || peer == null || peer.cut || peer.state != State.READY) {
            boolean waits = peer != null && peer.state == State.INIT && !cut;
            return !waits && fail(request, RETRIES_EXCEEDED);
        }
        if (!localKeysHold(request)) {
            return fail(request, LOCAL_PROTECTION_ERROR);
        }
        return switch (request.opcode) {
            case SEND -> receive(peer, request, false);
            case WRITE, WRITE_WITH_IMMEDIATE -> write(peer, request);
            case READ -> read(peer, request);
            case BIND ->
                    fabric.bind(request.window, request.shown)
                            ? succeed(request)
                            : fail(request, WINDOW_BIND_ERROR);
            case INVALIDATE ->
                    fabric.invalidate(request.remoteKey)
                            ? succeed(request)
                            : fail(request, WINDOW_BIND_ERROR);
            default -> throw new AssertionError("opcode " + request.opcode);
        };
    }

    private boolean localKeysHold(SimRequest request) {
        int access = request.opcode == READ ? MemoryAccess.LOCAL_WRITE : 0;
        return request.inline != null
                || request.pieces.stream()
                        .allMatch(p -> fabric.grants(this, (int) p[2], p[0], p[1], access));
    }

    private boolean write(SimQueuePair peer, SimRequest request) {
        long bytes = request.bytes();
        if (bytes > 0
                && !fabric.grants(
                        peer,
                        request.remoteKey,
                        request.remote,
                        bytes,
                        MemoryAccess.REMOTE_WRITE)) {
            peer.refuse();
            return fail(request, REMOTE_ACCESS_ERROR);
        }
        if (request.opcode == WRITE_WITH_IMMEDIATE && peer.receives.posted.isEmpty()) {
            return notReady(request);
        }
        var data = request.inline == null ? request.collect() : request.inline;
        int size = SimFabric.fragmentBytes();
        for (int at = 0; at < data.length; at += size) {
            int length = Math.min(size, data.length - at);
            var part = new byte[length];
            System.arraycopy(data, at, part, 0, length);
            peer.landing.add(new Fragment(request.remote + at, part));
        }
        fabric.busy(peer);
        return request.opcode == WRITE_WITH_IMMEDIATE
                ? receive(peer, request, true)
                : succeed(request);
    }

    private boolean receive(SimQueuePair peer, SimRequest request, boolean immediate) {
        var receive = peer.receives.posted.poll();
        if (receive == null) {
            return notReady(request);
        }
        notReady = 0;
        peer.landing.forEach(Fragment::land);
        peer.landing.clear();
        var data =
                immediate
                        ? new byte[0]
                        : request.inline == null ? request.collect() : request.inline;
        boolean fits =
                data.length <= receive.bytes()
                        && fabric.grants(
                                peer,
                                receive.key(),
                                receive.address(),
                                receive.bytes(),
                                MemoryAccess.LOCAL_WRITE);
        if (!fits) {
            peer.refuse();
            return fail(request, REMOTE_OPERATION_ERROR);
        }
        MemorySegment.copy(
                MemorySegment.ofArray(data),
                0,
                SimFabric.at(receive.address(), receive.bytes()),
                0,
                data.length);
        int bytes = immediate ? (int) request.bytes() : data.length;
        peer.reports.received(receive.id(), bytes, immediate, request.immediate);
        fabric.busy(peer);
        return succeed(request);
    }

    private boolean notReady(SimRequest request) {
        if (spec.notReadyRetries() != ENDLESS && notReady++ >= spec.notReadyRetries()) {
            return fail(request, NOT_READY_RETRIES_EXCEEDED);
        }
        return false;
    }

    private boolean read(SimQueuePair peer, SimRequest request) {
        if (!fabric.grants(
                peer,
                request.remoteKey,
                request.remote,
                request.bytes(),
                MemoryAccess.REMOTE_READ)) {
            peer.refuse();
            return fail(request, REMOTE_ACCESS_ERROR);
        }
        long from = request.remote;
        for (var piece : request.pieces) {
            SimFabric.at(piece[0], piece[1]).copyFrom(SimFabric.at(from, piece[1]));
            from += piece[1];
        }
        return succeed(request);
    }

    private boolean succeed(SimRequest request) {
        posted.remove();
        outstanding = posted.size();
        if ((request.flags & SIGNALED) != 0) {
            reports.add(request.id, Completions.SUCCESS);
        }
        return true;
    }

    private boolean fail(SimRequest request, int status) {
        posted.remove();
        reports.add(request.id, status);
        state = State.ERROR;
        return true;
    }

    private void refuse() {
        state = State.ERROR;
        fabric.busy(this);
    }
}
