package io.kvwire.tcp;

import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.buffer.UnpooledDirectByteBuf;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ScatteringByteChannel;

/**
 * What Netty is handed as the buffer to read into, while the bytes really go into the views of an
 * {@link Inlet}, with one scattering read. One for each connection, used for every read; it has no
 * memory of its own and is never freed.
 */
final class ScatterBuffer extends UnpooledDirectByteBuf {
    private Inlet inlet;
    private int room;

    ScatterBuffer(Inlet inlet) {
        super(UnpooledByteBufAllocator.DEFAULT, 0, Integer.MAX_VALUE);
        this.inlet = inlet;
    }

    /** Makes the buffer stand for the room that its inlet has. */
    ScatterBuffer prepare() {
        inlet.prepare();
        room = inlet.room();
        setIndex(0, 0);
        return this;
    }

    /** Passes on how many bytes were read. */
    void arrived() {
        inlet = inlet.advance(writerIndex());
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
        long read =
                inlet.count == 1 ? in.read(inlet.views[0]) : in.read(inlet.views, 0, inlet.count);
        if (read > 0) {
            writerIndex((int) read);
        }
        return (int) read;
    }

    @Override
    public ByteBuffer internalNioBuffer(int index, int bytes) {
        return inlet.views[0];
    }

    @Override
    public int capacity() {
        return room;
    }

    @Override
    public boolean hasMemoryAddress() {
        return false;
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
