package io.kvwire.rdma;

import io.kvwire.ffi.Errno;
import io.kvwire.ffi.verbs.QueuePairSettings;
import io.kvwire.ffi.verbs.SendRequests;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.Arena;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.Optional;

/** A queue pair of {@link NativeVerbs}. */
final class NativeQueuePair implements QueuePair {

    private final Arena arena = Arena.ofShared();
    private final NativeDevice device;
    private final io.kvwire.ffi.verbs.QueuePair pair;
    private final VerbsPort port;
    private final QueueSpec spec;
    private final SendRequests batch;
    private Optional<ManagedConnection> managed = Optional.empty();
    private boolean closed;

    NativeQueuePair(
            NativeDevice device,
            io.kvwire.ffi.verbs.QueuePair pair,
            VerbsPort port,
            QueueSpec spec) {
        this.device = device;
        this.pair = pair;
        this.port = port;
        this.spec = spec;
        batch = SendRequests.allocate(arena, spec.depth(), spec.gathers());
    }

    @Override
    public int number() {
        return pair.number();
    }

    @Override
    public int inlineBytes() {
        return pair.capacity().inlineBytes();
    }

    @Override
    public void connect(RemoteEnd remote) {
        var settings =
                settings(remote.queuePair(), remote.firstPacket(), remote.atomics())
                        .mtuBytes(Math.min(spec.mtuBytes(), remote.mtuBytes()));
        if (port.ethernet() || remote.lid() == 0) {
            var gid = new io.kvwire.ffi.verbs.Gid(remote.gid().high(), remote.gid().low());
            settings.overGid(port.number(), spec.gid().index(), gid);
        } else {
            settings.overLocalIdentifier(port.number(), remote.lid());
        }
        pair.connect(settings);
    }

    private QueuePairSettings settings(int remotePair, int remotePacket, int remoteReads) {
        return new QueuePairSettings(remotePair, remotePacket, spec.firstPacket())
                .reads(spec.atomics(), Math.min(spec.atomics(), remoteReads))
                .timeout(spec.timeout(), spec.retries())
                .notReady(spec.notReadyTimer(), spec.notReadyRetries())
                .quality(spec.serviceLevel(), spec.trafficClass(), 0)
                .hopLimit(spec.hopLimit());
    }

    @Override
    public int listen() {
        return managed().listen(new InetSocketAddress(spec.gid().ip(), 0));
    }

    @Override
    public void accept(RemoteEnd remote, long secret, long deadlineNanos) {
        managed().accept(bytes(secret), deadlineNanos);
    }

    @Override
    public void connect(RemoteEnd remote, long secret, long deadlineNanos) {
        managed()
                .connect(
                        new InetSocketAddress(spec.gid().ip(), 0),
                        new InetSocketAddress(remote.gid().ip(), remote.port()),
                        bytes(secret),
                        deadlineNanos);
    }

    private static byte[] bytes(long secret) {
        return ByteBuffer.allocate(Long.BYTES).putLong(secret).array();
    }

    /** Its way through the connection manager, made when it is first asked for. */
    private synchronized ManagedConnection managed() {
        if (closed) {
            throw new TransferException(ErrorCode.CLOSED, "the lane was closed");
        }
        if (managed.isEmpty()) {
            managed = Optional.of(new ManagedConnection(pair, settings(0, 0, spec.atomics())));
        }
        return managed.get();
    }

    @Override
    public void add(int opcode, int flags, long id) {
        batch.add(id, opcode, flags);
    }

    @Override
    public void remote(long address, int key) {
        batch.remote(address, key);
    }

    @Override
    public void immediate(int value) {
        batch.immediate(value);
    }

    @Override
    public void invalidating(int key) {
        batch.invalidating(key);
    }

    @Override
    public void binding(Window window, int key) {
        batch.binding(NativeDevice.binding(window, key), key);
    }

    @Override
    public void showing(MemoryKeys registration, long start, long bytes, int access) {
        batch.showing(NativeDevice.region(registration), start, bytes, access);
    }

    @Override
    public void gather(long address, int bytes, int localKey) {
        batch.addSegment(address, bytes, localKey);
    }

    @Override
    public int room() {
        return batch.capacity() - batch.count();
    }

    @Override
    public void post() {
        int status = pair.post(batch);
        int accepted = batch.accepted();
        int count = batch.count();
        batch.clear();
        if (status != 0) {
            throw new TransferException(
                    ErrorCode.LANE_LOST,
                    "ibv_post_send took "
                            + accepted
                            + " of "
                            + count
                            + " requests: "
                            + Errno.describe(status));
        }
    }

    @Override
    public boolean mayTakeReceives() {
        return device.mayTakeReceives(pair.number());
    }

    @Override
    public void error() {
        pair.toError();
    }

    @Override
    public void close() {
        Optional<ManagedConnection> ending;
        synchronized (this) {
            closed = true;
            ending = managed;
            managed = Optional.empty();
        }
        ending.ifPresent(ManagedConnection::close);
        pair.close();
        device.forget(pair.number());
        arena.close();
    }
}
