package io.kvwire.tck.memory;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.ControlHandler;
import io.kvwire.transport.spi.ControlLink;
import io.kvwire.transport.spi.MessageLane;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * One end of a control link: a bounded inbox and the thread that empties it, or a faster way for
 * messages once there is one. Thread-safe.
 */
final class MemoryControlLink implements ControlLink {
    /** What waits for a slow reader before {@link #send} says no. */
    static final int MAX_INBOX_MESSAGES = 64 << 10;

    private final String name;
    private final int maxMessageBytes;
    private final Consumer<MemoryControlLink> ended;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition arrived = lock.newCondition();
    private final ArrayDeque<byte[]> inbox = new ArrayDeque<>();
    private final ReentrantLock delivering = new ReentrantLock();
    private MemoryControlLink other;
    private volatile Optional<ControlHandler> handler = Optional.empty();
    private volatile Optional<MessageLane> faster = Optional.empty();
    private boolean over;
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
        if (faster.isPresent()) {
            return !isClosed() && faster.get().send(message);
        }
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

    /** {@return whether this end has closed the link, and wants to hear no more} */
    private boolean closedHere() {
        lock.lock();
        try {
            return reason != null && !readsToTheEnd;
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

    @Override
    public void goOver(MessageLane way) {
        var node = handler.orElseThrow();
        lock.lock();
        try {
            if (over) {
                return;
            }
            faster = Optional.of(way);
            way.receive(message -> {
                if (!closedHere()) {
                    deliver(message, node);
                }
            });
        } finally {
            lock.unlock();
        }
    }

    /** Delivers what has arrived until the link is closed; then says so, once. */
    private void deliver(Supplier<ControlHandler> maker) {
        ControlHandler node;
        try {
            node = maker.get();
        } catch (RuntimeException e) {
            close(known(e));
            ended.accept(this);
            return;
        }
        handler = Optional.of(node);
        byte[] message;
        while ((message = take()) != null) {
            deliver(ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN), node);
        }
        ended.accept(this);
        lastWay()
                .ifPresentOrElse(
                        way -> way.end(() -> node.closed(reason)), () -> node.closed(reason));
    }

    /** {@return the faster way, if there is one: from now on there will be none} */
    private Optional<MessageLane> lastWay() {
        lock.lock();
        try {
            over = true;
            return faster;
        } finally {
            lock.unlock();
        }
    }

    /** Messages come from two threads while they go over to a faster way, and yet one by one. */
    private void deliver(ByteBuffer message, ControlHandler node) {
        delivering.lock();
        try {
            if (message.remaining() > maxMessageBytes) {
                throw new TransferException(
                        ErrorCode.MALFORMED,
                        "control message of "
                                + message.remaining()
                                + " bytes: at most "
                                + maxMessageBytes);
            }
            node.received(message);
        } catch (RuntimeException e) {
            close(known(e));
        } finally {
            delivering.unlock();
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
