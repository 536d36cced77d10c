package io.kvwire.rdma;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The work requests of a simulated queue pair as the wire adds them, until it posts them; more than
 * a real one would take are an error of the test's subject.
 */
abstract class SimBatch implements QueuePair {
    private static final int ROOM = 32;

    final SimDevice device;
    final QueueSpec spec;

    /** What is added and not posted yet. */
    final List<SimRequest> batch = new ArrayList<>();

    SimBatch(SimDevice device, QueueSpec spec) {
        this.device = device;
        this.spec = spec;
    }

    @Override
    public int inlineBytes() {
        return spec.inlineBytes();
    }

    @Override
    public void add(int opcode, int flags, long id) {
        if (batch.size() == ROOM) {
            throw new AssertionError("the batch is full");
        }
        var request = new SimRequest();
        request.opcode = opcode;
        request.flags = flags;
        request.id = id;
        batch.add(request);
    }

    @Override
    public void remote(long address, int key) {
        batch.getLast().remote = address;
        batch.getLast().remoteKey = key;
    }

    @Override
    public void immediate(int value) {
        batch.getLast().immediate = value;
    }

    @Override
    public void gather(long address, int bytes, int localKey) {
        var request = batch.getLast();
        request.pieces.add(new long[] {address, bytes, localKey});
        if (request.pieces.size() > spec.gathers()) {
            throw new AssertionError("more pieces than the queue pair gathers");
        }
    }

    @Override
    public void invalidating(int key) {
        batch.getLast().remoteKey = key;
    }

    @Override
    public void binding(Window window, int key) {
        batch.getLast().window = (SimWindow) window;
        batch.getLast().remoteKey = key;
    }

    @Override
    public void showing(MemoryKeys registration, long start, long bytes, int access) {
        var request = batch.getLast();
        request.shown =
                new SimKeys(
                        device.fabric(),
                        device,
                        request.remoteKey,
                        start,
                        bytes,
                        access,
                        number(),
                        Optional.of((SimKeys) registration));
    }

    @Override
    public int room() {
        return ROOM - batch.size();
    }
}
