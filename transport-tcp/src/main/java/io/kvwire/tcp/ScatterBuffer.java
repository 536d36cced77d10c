package io.kvwire.tcp;

import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.buffer.UnpooledDirectByteBuf;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.ScatteringByteChannel;

/**
 * What Netty is handed as the buffer to read into, while the bytes really go into the pieces of an
 * {@link Inlet}. One for each connection, used for every read; it has no memory of its own and is
 * never freed.
 *
 * <p>A channel of the JDK fills all pieces with one scattering read. An epoll channel would fill
 * only the first, so {@link #prepare} has read what is there before it, all pieces at once; the
 * channel then finds nothing, and knows by that to wait for more.
 */
final class ScatterBuffer extends UnpooledDirectByteBuf {
    /** Beyond this, what else has arrived waits for the next turn of the event loop. */
    private static final int DRAIN_BYTES = 2 << 20;

    private Inlet inlet;
    private int room;
    private boolean skipped;
    private int drained;

    ScatterBuffer(Inlet inlet) {
        super(UnpooledByteBufAllocator.DEFAULT, 0, Integer.MAX_VALUE);
        this.inlet = inlet;
    }

    /**
     * Makes the buffer stand for the room that its inlet has, after all that has arrived.
     *
     * @throws UncheckedIOException when the socket is broken
     */
    ScatterBuffer prepare() {
        drained += drain();
        inlet.prepare();
        room =
                switch (inlet.pieces) {
                    case BufferPieces buffers -> buffers.remaining();
                    case VectorPieces vector -> vector.firstBytes();
                };
        skipped = false;
        setIndex(0, 0);
        return this;
    }

    private int drain() {
        int bytes = 0;
        while (bytes < DRAIN_BYTES
                && inlet.pieces instanceof VectorPieces vector
                && vector.isOpen()) {
            inlet.prepare();
            int read = read(vector);
            if (read <= 0) {
                // Nothing is left, or the other side has closed, which Netty's next read finds.
                break;
            }
            bytes += read;
            boolean full = vector.isEmpty();
            inlet = inlet.advance(read);
            if (!full) {
                break;
            }
        }
        return bytes;
    }

    private static int read(VectorPieces vector) {
        try {
            return vector.read();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Passes on how many bytes the channel has read. */
    void arrived() {
        if (!skipped) {
            inlet.pieces.skip(writerIndex());
        }
        inlet = inlet.advance(writerIndex());
    }

    /** {@return the bytes that {@link #prepare} has read since the last call} */
    int drained() {
        int bytes = drained;
        drained = 0;
        return bytes;
    }

    /** Passes on bytes that were read elsewhere. */
    void copyFrom(ByteBuffer bytes) {
        inlet = inlet.copyFrom(bytes);
    }

    Inlet inlet() {
        return inlet;
    }

    @Override
    public int writeBytes(ScatteringByteChannel in, int bytes) throws IOException {
        long read = ((BufferPieces) inlet.pieces).readFrom(in);
        if (read > 0) {
            skipped = true;
            writerIndex((int) read);
        }
        return (int) read;
    }

    @Override
    public ByteBuffer internalNioBuffer(int index, int bytes) {
        return ((BufferPieces) inlet.pieces).first();
    }

    @Override
    public boolean hasMemoryAddress() {
        return inlet.pieces instanceof VectorPieces;
    }

    @Override
    public long memoryAddress() {
        return ((VectorPieces) inlet.pieces).firstAddress();
    }

    @Override
    public int capacity() {
        return room;
    }

    @Override
    public boolean release() {
        return false;
    }

    @Override
    public boolean release(int decrement) {
        return false;
    }
}
