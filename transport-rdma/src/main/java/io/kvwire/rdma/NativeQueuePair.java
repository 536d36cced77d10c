package io.kvwire.rdma;

import io.kvwire.ffi.Errno;
import io.kvwire.ffi.verbs.QueuePairSettings;
import io.kvwire.ffi.verbs.SendRequests;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.Arena;

/** A queue pair of {@link NativeVerbs}. */
final class NativeQueuePair implements QueuePair {

    private final Arena arena = Arena.ofShared();
    private final io.kvwire.ffi.verbs.QueuePair pair;
    private final VerbsPort port;
    private final QueueSpec spec;
    private final SendRequests batch;

    NativeQueuePair(io.kvwire.ffi.verbs.QueuePair pair, VerbsPort port, QueueSpec spec) {
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
                new QueuePairSettings(remote.queuePair(), remote.firstPacket(), spec.firstPacket())
                        .mtuBytes(Math.min(spec.mtuBytes(), remote.mtuBytes()))
                        .reads(spec.atomics(), Math.min(spec.atomics(), remote.atomics()))
                        .timeout(spec.timeout(), spec.retries())
                        .notReady(spec.notReadyTimer(), spec.notReadyRetries())
                        .quality(spec.serviceLevel(), spec.trafficClass(), 0)
                        .hopLimit(spec.hopLimit());
        if (port.ethernet() || remote.lid() == 0) {
            var gid = new io.kvwire.ffi.verbs.Gid(remote.gid().high(), remote.gid().low());
            settings.overGid(port.number(), spec.gid().index(), gid);
        } else {
            settings.overLocalIdentifier(port.number(), remote.lid());
        }
        pair.connect(settings);
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
        if (status != 0) {
            throw new TransferException(
                    ErrorCode.LANE_LOST,
                    "ibv_post_send took "
                            + batch.accepted()
                            + " of "
                            + batch.count()
                            + " requests: "
                            + Errno.describe(status));
        }
        batch.clear();
    }

    @Override
    public void error() {
        pair.toError();
    }

    @Override
    public void close() {
        pair.close();
        arena.close();
    }
}
