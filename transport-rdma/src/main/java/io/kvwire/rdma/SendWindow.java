package io.kvwire.rdma;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The send queue of one lane: how much of it is in use, the buffers of its messages, and the credit
 * that the peer has given for receives. A success is reported for every few work requests only, and
 * stands for all before it. Confined to the thread of its poller.
 */
final class SendWindow implements AutoCloseable {
    /** Work requests that are kept free for messages. */
    static final int RESERVED = 4;

    private static final int ALIGNMENT = 4096;

    /** The last credit is only for messages that give credit back: so both sides can never wait. */
    private static final int CREDITS_FOR_CREDIT = 1;

    private final QueuePair pair;
    private final long idBase;
    private final int depth;
    private final int signalEvery;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory;
    private final MemoryKeys keys;
    private final ByteBuffer[] buffers;
    private final long[] usedUntil;
    private final int messageBytes;
    private long posted;
    private long done;
    private long signaled = -1;
    private long batched;
    private long nextBuffer;
    private long freeBuffer;
    private int credits;

    SendWindow(VerbsDevice device, QueuePair pair, int number, int depth, int messageBytes) {
        this.pair = pair;
        this.depth = depth;
        this.messageBytes = messageBytes;
        idBase = (long) number << Poller.LANE_SHIFT;
        int count = Math.max(4, Math.min(32, depth / 4));
        signalEvery = count / 2;
        buffers = new ByteBuffer[count];
        usedUntil = new long[count];
        memory = arena.allocate((long) count * messageBytes, ALIGNMENT);
        try {
            keys = device.register(memory.address(), memory.byteSize(), 0);
        } catch (RuntimeException e) {
            arena.close();
            throw e;
        }
        for (int i = 0; i < count; i++) {
            buffers[i] =
                    memory.asSlice((long) i * messageBytes, messageBytes)
                            .asByteBuffer()
                            .order(ByteOrder.LITTLE_ENDIAN);
        }
    }

    void credit(int more) {
        credits += more;
    }

    int credits() {
        return credits;
    }

    /** {@return work requests that may still be posted, apart from those kept free} */
    int space() {
        return depth - RESERVED - (int) (posted - done);
    }

    long posted() {
        return posted;
    }

    /** {@return the count below which every work request has been carried out or flushed} */
    long done() {
        return done;
    }

    boolean idle() {
        return done == posted;
    }

    /** {@return whether a work request that was posted will be reported though it succeeds} */
    boolean awaitsReport() {
        return signaled >= done;
    }

    boolean mayMessage() {
        return credits > CREDITS_FOR_CREDIT && roomForMessage();
    }

    boolean mayCredit() {
        return credits > 0 && roomForMessage();
    }

    private boolean roomForMessage() {
        return posted - done < depth && nextBuffer - freeBuffer < buffers.length;
    }

    /** {@return whether a receive of the peer was kept for an immediate} */
    boolean takeCredit() {
        if (credits <= CREDITS_FOR_CREDIT) {
            return false;
        }
        credits--;
        return true;
    }

    /** {@return the buffer of the next message, empty} */
    ByteBuffer message() {
        return buffers[(int) (nextBuffer % buffers.length)].clear();
    }

    /** {@return the memory of all buffers of messages, for copies into the next} */
    MemorySegment memory() {
        return memory;
    }

    /** {@return where the buffer of the next message begins in {@link #memory}} */
    long messageOffset() {
        return nextBuffer % buffers.length * messageBytes;
    }

    /** Adds the message, from the buffer's beginning to its position, to the batch. */
    long send(boolean signal) {
        int index = (int) (nextBuffer % buffers.length);
        int bytes = buffers[index].position();
        credits--;
        int inline = bytes <= pair.inlineBytes() ? QueuePair.INLINE : 0;
        long count = add(QueuePair.SEND, signal, inline);
        pair.gather(memory.address() + (long) index * messageBytes, bytes, keys.localKey());
        usedUntil[index] = count;
        nextBuffer++;
        return count;
    }

    /** Adds a work request, to be completed by {@code remote}, {@code gather} and the like. */
    long add(int opcode, boolean signal, int flags) {
        if (pair.room() == 0) {
            post();
        }
        long count = posted++;
        batched++;
        boolean due = signal || count - signaled >= signalEvery;
        if (due) {
            signaled = count;
        }
        pair.add(opcode, due ? flags | QueuePair.SIGNALED : flags, idBase | count);
        return count;
    }

    /** Rings the doorbell for what was added. */
    void post() {
        if (batched > 0) {
            batched = 0;
            pair.post();
        }
    }

    /** A work request is reported: it and all before it are over. */
    void completed(long count) {
        done = Math.max(done, count + 1);
        while (freeBuffer < nextBuffer && usedUntil[(int) (freeBuffer % buffers.length)] < done) {
            freeBuffer++;
        }
    }

    /** Frees the buffers; the queue pair was destroyed before. */
    @Override
    public void close() {
        keys.close();
        arena.close();
    }
}
