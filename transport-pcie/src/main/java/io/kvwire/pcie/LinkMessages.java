package io.kvwire.pcie;

import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.MessageLane;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * The messages of one link, in two rings of their own that both ends have mapped. Whoever sends
 * writes into the ring at once; what does not fit waits here, up to a bound. The first lane that is
 * up looks for messages wherever it looks for frames; other threads of the wire may do so as well,
 * one at a time.
 *
 * <p>Owned by the link, which closes it when no lane is left. Thread-safe.
 */
final class LinkMessages implements MessageLane {
    /** How many of the longest messages may wait. */
    private static final int WAITING_MESSAGES = 4;

    private static final System.Logger LOG = System.getLogger("io.kvwire.pcie");
    private static final long LINGER_NANOS = 250_000_000;
    private static final int BATCH = 64;
    private static final int FIRST_BYTES = 4096;

    /** Messages fill whole lines of the cache, so that no two share one. */
    private static final int LINE_BYTES = 64;

    /**
     * Bytes that are read between two looks at whether the writer waits for room: it never does
     * before half of the ring is full.
     */
    private static final int LOOK_EVERY_BYTES = LinkRings.BYTES_EACH / 8;

    private final LinkRings memory;
    private final int maxBytes;
    private final Runnable wakePeer;
    private final Runnable wakeOwn;

    private final ReentrantLock sending = new ReentrantLock();
    private final RingWriter writer;
    private final MemorySegment out;
    private final ByteBuffer outView;
    private final ArrayDeque<MemorySegment> waiting = new ArrayDeque<>();
    private long waitingBytes;
    private volatile boolean behind;
    private volatile boolean closed;

    private final ReentrantLock receiving = new ReentrantLock();
    private final RingReader reader;
    private MemorySegment whole = MemorySegment.ofArray(new byte[FIRST_BYTES]);
    private ByteBuffer view = buffer(whole);
    private int wholeBytes;
    private long lookedAt;
    private boolean over;
    private boolean unmapped;
    private volatile Optional<Consumer<ByteBuffer>> receiver = Optional.empty();
    private final AtomicReference<Runnable> last = new AtomicReference<>();

    /**
     * Takes over the rings.
     *
     * @param maxBytes of a message
     * @param wakePeer wakes the lane of the other end that looks for messages; called by any thread
     * @param wakeOwn wakes the one of this end
     */
    LinkMessages(LinkRings memory, int maxBytes, Runnable wakePeer, Runnable wakeOwn) {
        this.memory = memory;
        this.maxBytes = maxBytes;
        this.wakePeer = wakePeer;
        this.wakeOwn = wakeOwn;
        writer = new RingWriter(memory.out());
        out = writer.data();
        outView = buffer(out);
        reader = new RingReader(memory.in());
    }

    private static ByteBuffer buffer(MemorySegment bytes) {
        return bytes.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }

    // ---- sending --------------------------------------------------------------------------------

    @Override
    public boolean send(ByteBuffer message) {
        boolean asleep;
        sending.lock();
        try {
            if (closed) {
                return false;
            }
            if (behind || !write(message)) {
                if (waitingBytes + message.remaining() > (long) WAITING_MESSAGES * maxBytes) {
                    return false;
                }
                var bytes = MemorySegment.ofBuffer(message).toArray(ValueLayout.JAVA_BYTE);
                waiting.add(MemorySegment.ofArray(bytes));
                waitingBytes += bytes.length;
                catchUp();
            }
            asleep = takeSleep();
        } finally {
            sending.unlock();
        }
        if (asleep) {
            wakePeer.run();
        }
        return true;
    }

    /** {@return whether there was room for a message in one piece} */
    private boolean write(ByteBuffer message) {
        int count = message.remaining();
        long at = count <= mostInPiece() ? begin(LaneMessage.WHOLE, count) : -1;
        if (at < 0) {
            return false;
        }
        outView.put((int) at + LaneMessage.PREFIX_BYTES, message, message.position(), count);
        writer.publish(length(count));
        return true;
    }

    private long mostInPiece() {
        return (long) writer.maxMessage() - LaneMessage.PREFIX_BYTES;
    }

    private static int length(int count) {
        return (LaneMessage.PREFIX_BYTES + count + LINE_BYTES - 1) & -LINE_BYTES;
    }

    /** {@return where a message or a piece of one starts, or -1 when there is no room} */
    private long begin(byte type, int count) {
        int length = length(count);
        long at = writer.reserve(length);
        if (at >= 0) {
            LaneMessage.begin(out, at, length, type, (byte) 0);
            LaneMessage.sizes(out, at, 0, 0, count);
        }
        return at;
    }

    /** Moves into the ring what waits, as far as there is room; then the other end says when. */
    private void catchUp() {
        boolean full = false;
        while (!waiting.isEmpty() && !full) {
            full = !moveOne();
            if (full && !memory.out().waits()) {
                memory.out().waits(true);
                VarHandle.fullFence(); // room that was made before that is seen now
                full = false;
            }
        }
        behind = !waiting.isEmpty();
    }

    private boolean moveOne() {
        var bytes = waiting.getFirst();
        int count = (int) Math.min(bytes.byteSize(), mostInPiece());
        long at = begin(count == bytes.byteSize() ? LaneMessage.WHOLE : LaneMessage.PIECE, count);
        if (at < 0) {
            return false;
        }
        MemorySegment.copy(bytes, 0, out, at + LaneMessage.PREFIX_BYTES, count);
        writer.publish(length(count));
        waiting.removeFirst();
        waitingBytes -= count;
        if (count < bytes.byteSize()) {
            waiting.addFirst(bytes.asSlice(count));
        }
        return true;
    }

    private boolean takeSleep() {
        VarHandle.fullFence();
        return memory.out().takeSleep();
    }

    /** {@return 1 when something that waited could go, else 0} */
    private int flush() {
        if (!behind || !sending.tryLock()) {
            return 0;
        }
        boolean asleep = false;
        boolean moved = false;
        try {
            if (!closed) {
                long before = waitingBytes;
                catchUp();
                moved = before != waitingBytes;
                asleep = moved && takeSleep();
            }
        } finally {
            sending.unlock();
        }
        if (asleep) {
            wakePeer.run();
        }
        return moved ? 1 : 0;
    }

    /** Waits a little until what was sent is in the ring, where the other end finds it. */
    void linger() {
        long until = System.nanoTime() + LINGER_NANOS;
        while (behind && System.nanoTime() - until < 0) {
            if (flush() == 0) {
                LockSupport.parkNanos(LINGER_NANOS / 1000);
            }
        }
    }

    // ---- receiving ------------------------------------------------------------------------------

    @Override
    public void receive(Consumer<ByteBuffer> to) {
        receiving.lock();
        try {
            if (over) {
                return;
            }
            receiver = Optional.of(to);
        } finally {
            receiving.unlock();
        }
        wakeOwn.run(); // what came before is there
    }

    /** Says whether the lane that looks for messages is about to sleep; called by that lane. */
    void sleeps(boolean asleep) {
        memory.in().sleeps(asleep);
    }

    /** As {@link #poll}, but soon back when there is nothing; called by a lane that is up. */
    int look() {
        return behind || last.get() != null || memory.in().tail() != reader.position() ? poll() : 0;
    }

    /** Delivers what has come, unless another thread does; {@return how much there was to do} */
    int poll() {
        int done = flush();
        if (receiver.isEmpty() || receiving.isHeldByCurrentThread() || !receiving.tryLock()) {
            return done;
        }
        try {
            done += deliver(BATCH);
        } finally {
            receiving.unlock();
        }
        finish();
        unmapIfClosed();
        return done;
    }

    @Override
    public void end(Runnable what) {
        last.set(what);
        if (!receiving.isHeldByCurrentThread()) {
            finish();
            unmapIfClosed();
        }
    }

    /** Delivers the rest, and runs what is last; leaves both to a thread that delivers now. */
    private void finish() {
        while (last.get() != null && receiving.tryLock()) {
            Runnable what;
            try {
                deliver(Integer.MAX_VALUE);
            } catch (TransferException e) {
                LOG.log(System.Logger.Level.WARNING, "at the end of a link", e);
            } finally {
                over = true;
                receiver = Optional.empty();
                what = last.getAndSet(null);
                receiving.unlock();
            }
            if (what != null) {
                what.run();
            }
        }
    }

    private int deliver(int most) {
        int done = 0;
        while (done < most && !unmapped && receiver.isPresent() && reader.next()) {
            boolean ends = take();
            reader.done();
            if (ends) {
                view.position(0).limit(wholeBytes);
                wholeBytes = 0;
                receiver.get().accept(view);
            }
            done++;
        }
        if (done > 0 && !unmapped) {
            tellOfRoom();
        }
        return done;
    }

    /** Wakes the other end if it waits for room. */
    private void tellOfRoom() {
        long position = reader.position();
        if (position - lookedAt >= LOOK_EVERY_BYTES) {
            lookedAt = position;
            if (memory.in().takeWaits()) {
                wakePeer.run();
            }
        }
    }

    /** Copies a piece, which the other end may still change; {@return whether it is the last} */
    private boolean take() {
        long at = reader.at();
        byte type = LaneMessage.type(reader.data(), at);
        long bytes = LaneMessage.payload(reader.data(), at);
        LaneMemory.require(
                type == LaneMessage.WHOLE || type == LaneMessage.PIECE,
                "a message of type ",
                type,
                "");
        LaneMemory.require(
                bytes >= 0
                        && bytes <= reader.length() - LaneMessage.PREFIX_BYTES
                        && bytes <= maxBytes - wholeBytes,
                "a message of more than ",
                maxBytes,
                " bytes");
        if (wholeBytes + bytes > whole.byteSize()) {
            long room = Math.min(maxBytes, Math.max(2 * whole.byteSize(), wholeBytes + bytes));
            var larger = MemorySegment.ofArray(new byte[(int) room]);
            MemorySegment.copy(whole, 0, larger, 0, wholeBytes);
            whole = larger;
            view = buffer(whole);
        }
        MemorySegment.copy(reader.data(), at + LaneMessage.PREFIX_BYTES, whole, wholeBytes, bytes);
        wholeBytes += (int) bytes;
        return type == LaneMessage.WHOLE;
    }

    // ---- the end --------------------------------------------------------------------------------

    /** Unmaps the rings: at once, or by the thread that delivers now, after its message. */
    void close() {
        sending.lock();
        try {
            closed = true; // no sender is in the memory any more
        } finally {
            sending.unlock();
        }
        unmapIfClosed();
    }

    private void unmapIfClosed() {
        if (closed && !receiving.isHeldByCurrentThread() && receiving.tryLock()) {
            try {
                if (!unmapped) {
                    unmapped = true;
                    memory.close();
                }
            } finally {
                receiving.unlock();
            }
        }
    }
}
