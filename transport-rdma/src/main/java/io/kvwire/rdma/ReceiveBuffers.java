package io.kvwire.rdma;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The buffers of a shared receive queue: as many as its lanes together may use, allocated when
 * lanes come and kept for the next ones when they go. Thread-safe.
 */
final class ReceiveBuffers implements AutoCloseable {
    private static final int ALIGNMENT = 4096;

    private final VerbsDevice device;
    private final ReceiveQueue queue;
    private final int bytes;
    private final List<Slab> slabs = new ArrayList<>();
    private int promised;
    private volatile Buffer[] buffers = {};

    private record Slab(Arena arena, MemoryKeys keys) {}

    private record Buffer(MemorySegment memory, ByteBuffer view, int localKey) {}

    ReceiveBuffers(VerbsDevice device, ReceiveQueue queue, int bytes) {
        this.device = device;
        this.queue = queue;
        this.bytes = bytes;
    }

    /** Posts as many more as a lane may use, unless enough are left of lanes that have gone. */
    synchronized void promise(int count) {
        int missing = promised + count - buffers.length;
        if (missing > 0) {
            allocate(missing);
        }
        promised += count;
    }

    synchronized void takeBack(int count) {
        promised -= count;
    }

    private void allocate(int count) {
        var arena = Arena.ofShared();
        MemoryKeys keys;
        MemorySegment memory;
        try {
            memory = arena.allocate((long) count * bytes, ALIGNMENT);
            keys = device.register(memory.address(), memory.byteSize(), MemoryAccess.LOCAL_WRITE);
        } catch (RuntimeException e) {
            arena.close();
            throw e;
        }
        slabs.add(new Slab(arena, keys));
        int first = buffers.length;
        var all = Arrays.copyOf(buffers, first + count);
        for (int i = 0; i < count; i++) {
            var slice = memory.asSlice((long) i * bytes, bytes);
            var view = slice.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
            all[first + i] = new Buffer(slice, view, keys.localKey());
        }
        buffers = all;
        for (int i = first; i < all.length; i++) {
            post(i);
        }
    }

    /** {@return how many there are, posted or being looked at} */
    int count() {
        return buffers.length;
    }

    /** {@return a buffer that has received, to read from its beginning} */
    ByteBuffer view(int index, int received) {
        return buffers[index].view.clear().limit(received);
    }

    /** {@return the memory of a buffer} */
    MemorySegment memory(int index) {
        return buffers[index].memory;
    }

    synchronized void post(int index) {
        var buffer = buffers[index];
        queue.post(Poller.RECEIVE | index, buffer.memory.address(), bytes, buffer.localKey);
    }

    /** Frees the memory; the receive queue was closed before. */
    @Override
    public synchronized void close() {
        for (var slab : slabs) {
            slab.keys.close();
            slab.arena.close();
        }
        slabs.clear();
    }
}
