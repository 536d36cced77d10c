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

    /** The buffers among the pieces that have bytes left, and which pieces they are. */
    private final ByteBuffer[] buffers;

    private final int[] places;
    private int firstBuffer;
    private int endBuffer;

    private final IdentityHashMap<ByteBuffer, Long> addresses = new IdentityHashMap<>();

    /** The segment of the last piece, and whether its arena was open in this round. */
    private MemorySegment memory = MemorySegment.NULL;

    private long address;
    private boolean alive;

    VectorPieces(UnixChannel channel, int capacity) {
        this.channel = channel;
        vector = new IoVector(capacity);
        buffers = new ByteBuffer[capacity];
        places = new int[capacity];
    }

    @Override
    void clear() {
        vector.clear();
        firstBuffer = 0;
        endBuffer = 0;
        alive = false;
    }

    @Override
    boolean fits(int more) {
        return vector.fits(more);
    }

    @Override
    boolean isEmpty() {
        return vector.pieces() == 0;
    }

    @Override
    void add(MemorySegment of, long offset, int bytes) {
        if (of != memory || !alive) {
            look(of);
        }
        vector.add(address + offset, bytes);
    }

    private void look(MemorySegment of) {
        if (!of.scope().isAlive()) {
            throw new IllegalStateException(
                    "the arena of memory that takes part in a transfer was closed: unregister the"
                            + " cache or region first");
        }
        memory = of;
        address = of.address();
        alive = true;
    }

    @Override
    void add(ByteBuffer buffer) {
        buffers[endBuffer] = buffer;
        places[endBuffer++] = vector.added();
        vector.add(address(buffer) + buffer.position(), buffer.remaining());
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
        vector.skip(bytes);
        int taken = vector.taken();
        while (firstBuffer < endBuffer && places[firstBuffer] < taken) {
            var done = buffers[firstBuffer++];
            done.position(done.limit());
        }
        if (firstBuffer < endBuffer && places[firstBuffer] == taken) {
            var begun = buffers[firstBuffer];
            begun.position(begun.limit() - (int) vector.firstBytes());
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
        memory = MemorySegment.NULL;
        alive = false;
    }

    /** The number of a closed socket may be another's already. */
    private int fd() throws ClosedChannelException {
        if (!channel.isOpen()) {
            throw new ClosedChannelException();
        }
        return channel.fd().intValue();
    }
}
