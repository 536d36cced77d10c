package io.kvwire.tcp;

import io.kvwire.tcp.ffi.IoVector;
import io.kvwire.tcp.ffi.VectorCalls;
import io.netty.channel.unix.UnixChannel;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.WritableByteChannel;
import java.util.IdentityHashMap;

/**
 * Pieces as addresses, for system calls of our own on the socket of an epoll channel: nothing is
 * allocated, however many pieces there are. A piece of memory whose arena is closed already is
 * refused; that it stays open until the call returns is what pins and quiescence are for.
 */
final class VectorPieces extends Pieces {
    private final UnixChannel channel;
    private final VectorCalls calls = VectorCalls.open();
    private final IoVector vector;

    /** The buffers among the pieces, at the places of their pieces. */
    private final ByteBuffer[] buffers;

    private final IdentityHashMap<ByteBuffer, Long> addresses = new IdentityHashMap<>();
    private final int capacity;
    private int head;
    private int end;

    VectorPieces(UnixChannel channel, int capacity) {
        this.channel = channel;
        this.capacity = capacity;
        vector = new IoVector(capacity);
        buffers = new ByteBuffer[capacity];
    }

    @Override
    void clear() {
        vector.clear();
        head = 0;
        end = 0;
    }

    @Override
    boolean fits(int more) {
        return end + more <= capacity;
    }

    @Override
    boolean isEmpty() {
        return head == end;
    }

    @Override
    void add(MemorySegment memory, long offset, int bytes) {
        if (!memory.scope().isAlive()) {
            throw new IllegalStateException(
                    "the arena of memory that takes part in a transfer was closed: unregister the"
                            + " cache or region first");
        }
        vector.add(memory.address() + offset, bytes);
        buffers[end++] = null;
    }

    @Override
    void add(ByteBuffer buffer) {
        vector.add(address(buffer) + buffer.position(), buffer.remaining());
        buffers[end++] = buffer;
    }

    private long address(ByteBuffer buffer) {
        var known = addresses.get(buffer);
        if (known == null) {
            known = MemorySegment.ofBuffer(buffer.duplicate().clear()).address();
            addresses.put(buffer, known);
        }
        return known;
    }

    @Override
    void skip(long bytes) {
        long left = bytes;
        while (left > 0) {
            long length = vector.firstBytes();
            long taken = Math.min(left, length);
            var buffer = buffers[head];
            if (buffer != null) {
                buffer.position(buffer.position() + (int) taken);
            }
            vector.skip(taken);
            left -= taken;
            if (taken == length) {
                head++;
            }
        }
    }

    @Override
    long writeTo(WritableByteChannel socket) throws IOException {
        int bytes = calls.write(fd(), vector);
        skip(bytes);
        return bytes;
    }

    /**
     * Fills the pieces from the front with what the socket has.
     *
     * @return bytes read; 0 when there are none; -1 when the other side has closed
     * @throws IOException when the socket is broken
     */
    int read() throws IOException {
        int bytes = calls.read(fd(), vector);
        if (bytes > 0) {
            skip(bytes);
        }
        return bytes;
    }

    /** {@return the address of the first byte that is left} */
    long firstAddress() {
        return vector.firstAddress();
    }

    /** {@return the length of the first piece that is left, in bytes} */
    int firstBytes() {
        return (int) vector.firstBytes();
    }

    /** {@return whether the channel is still open, and its pieces may be read or written} */
    boolean isOpen() {
        return channel.isOpen();
    }

    @Override
    void sweep() {
        // Nothing is kept of the memory.
    }

    /** The number of a closed socket may be another's already. */
    private int fd() throws ClosedChannelException {
        if (!channel.isOpen()) {
            throw new ClosedChannelException();
        }
        return channel.fd().intValue();
    }
}
