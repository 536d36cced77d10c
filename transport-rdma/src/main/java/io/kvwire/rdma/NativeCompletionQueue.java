package io.kvwire.rdma;

import io.kvwire.ffi.WakeUp;
import io.kvwire.ffi.verbs.CompletionChannel;
import io.kvwire.ffi.verbs.Context;

import java.lang.foreign.Arena;
import java.util.concurrent.TimeUnit;

/** A completion queue of {@link NativeVerbs}. */
final class NativeCompletionQueue implements CompletionQueue {

    private final Arena arena = Arena.ofShared();
    private final WakeUp wakeUp = new WakeUp();
    private final CompletionChannel channel;
    private final io.kvwire.ffi.verbs.CompletionQueue queue;

    /** As large as what it is copied to, which is always the same. */
    private io.kvwire.ffi.verbs.Completions polled =
            io.kvwire.ffi.verbs.Completions.allocate(arena, 1);

    NativeCompletionQueue(Context context, int depth) {
        channel = context.createCompletionChannel();
        queue = context.createCompletionQueue(depth, channel, 0);
    }

    io.kvwire.ffi.verbs.CompletionQueue queue() {
        return queue;
    }

    @Override
    public int poll(Completions into) {
        if (polled.capacity() != into.capacity()) {
            polled = io.kvwire.ffi.verbs.Completions.allocate(arena, into.capacity());
        }
        int count = queue.poll(polled);
        for (int i = 0; i < count; i++) {
            copy(i, into);
        }
        return count;
    }

    private void copy(int index, Completions into) {
        into.id[index] = polled.id(index);
        into.status[index] = polled.status(index);
        into.bytes[index] = polled.bytes(index);
        into.queuePair[index] = polled.queuePair(index);
        boolean received =
                (polled.opcode(index) & io.kvwire.ffi.verbs.Completions.OPCODE_RECEIVE) != 0;
        into.immediate[index] = received && polled.hasImmediate(index);
        into.value[index] = polled.immediate(index);
    }

    @Override
    public void arm() {
        queue.requestNotification(false);
    }

    @Override
    public void await(long nanos) {
        long millis = TimeUnit.NANOSECONDS.toMillis(nanos + TimeUnit.MILLISECONDS.toNanos(1) - 1);
        channel.await(wakeUp, Math.clamp(millis, 0, Integer.MAX_VALUE));
    }

    @Override
    public void wake() {
        wakeUp.wake();
    }

    @Override
    public void close() {
        queue.close();
        channel.close();
        wakeUp.close();
        arena.close();
    }
}
