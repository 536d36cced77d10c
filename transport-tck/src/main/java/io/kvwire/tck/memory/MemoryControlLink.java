package io.kvwire.tck.memory;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.ControlHandler;
import io.kvwire.transport.spi.ControlLink;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** One end of a control link: a bounded inbox and the thread that empties it. Thread-safe. */
final class MemoryControlLink implements ControlLink {
    /** What waits for a slow reader before {@link #send} says no. */
    static final int MAX_INBOX_MESSAGES = 64 << 10;

    private final String name;
    private final int maxMessageBytes;
    private final Consumer<MemoryControlLink> ended;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition arrived = lock.newCondition();
    private final ArrayDeque<byte[]> inbox = new ArrayDeque<>();
    private MemoryControlLink other;
    private long inboxBytes;
    private boolean readsToTheEnd = true;
    private TransferException reason;

    MemoryControlLink(String name, int maxMessageBytes, Consumer<MemoryControlLink> ended) {
        this.name = name;
        this.maxMessageBytes = maxMessageBytes;
        this.ended = ended;
    }

    void join(MemoryControlLink otherEnd) {
        other = otherEnd;
    }

    void start(Threads threads, Supplier<ControlHandler> handler) {
        threads.start(name, () -> deliver(handler));
    }

    @Override
    public String remoteHost() {
        return "127.0.0.1";
    }

    @Override
    public String remoteIdentity() {
        return "";
    }

    @Override
    public boolean send(ByteBuffer message) {
        var copy = new byte[message.remaining()];
        message.get(copy);
        return !isClosed() && other.offer(copy);
    }

    private boolean isClosed() {
        lock.lock();
        try {
            return reason != null;
        } finally {
            lock.unlock();
        }
    }

    private boolean offer(byte[] message) {
        lock.lock();
        try {
            boolean full =
                    inbox.size() >= MAX_INBOX_MESSAGES
                            || inboxBytes > 2L * maxMessageBytes - message.length;
            if (reason != null || (full && !inbox.isEmpty())) {
                return false;
            }
            inbox.add(message);
            inboxBytes += message.length;
            arrived.signal();
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Delivers what has arrived until the link is closed; then says so, once. */
    private void deliver(Supplier<ControlHandler> maker) {
        ControlHandler handler;
        try {
            handler = maker.get();
        } catch (RuntimeException e) {
            close(known(e));
            ended.accept(this);
            return;
        }
        byte[] message;
        while ((message = take()) != null) {
            deliver(message, handler);
        }
        ended.accept(this);
        handler.closed(reason);
    }

    private void deliver(byte[] message, ControlHandler handler) {
        try {
            if (message.length > maxMessageBytes) {
                throw new TransferException(
                        ErrorCode.MALFORMED,
                        "control message of "
                                + message.length
                                + " bytes: at most "
                                + maxMessageBytes);
            }
            handler.received(ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN));
        } catch (RuntimeException e) {
            close(known(e));
        }
    }

    private static TransferException known(RuntimeException e) {
        return e instanceof TransferException known
                ? known
                : new TransferException(
                        ErrorCode.INTERNAL, "the node failed on a message: " + e, e);
    }

    /** Waits for a message; null once the link is closed and read as far as it shall be. */
    private byte[] take() {
        lock.lock();
        try {
            while (true) {
                if ((reason == null || readsToTheEnd) && !inbox.isEmpty()) {
                    var message = inbox.poll();
                    inboxBytes -= message.length;
                    return message;
                }
                if (reason != null) {
                    return null;
                }
                arrived.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close(TransferException why) {
        end(why, false);
        other.end(peerGone(why.getMessage()), true);
    }

    private static TransferException peerGone(String why) {
        return new TransferException(
                ErrorCode.PEER_LOST, "the peer closed the control link: " + why);
    }

    private void end(TransferException why, boolean readFirst) {
        lock.lock();
        try {
            if (reason == null) {
                reason = why;
                readsToTheEnd = readFirst;
            }
            arrived.signal();
        } finally {
            lock.unlock();
        }
    }
}
