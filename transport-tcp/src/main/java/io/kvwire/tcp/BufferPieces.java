package io.kvwire.tcp;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.GatheringByteChannel;
import java.nio.channels.ScatteringByteChannel;
import java.nio.channels.WritableByteChannel;

/**
 * Pieces as byte buffers, which every channel takes, and TLS. They are bound to the arena of their
 * memory: closing it while the socket reads or writes throws, and never touches memory that is
 * gone. The price are two small objects for each piece and call, which the JDK's channels allocate.
 */
final class BufferPieces extends Pieces {
    private final ByteBuffer[] views;
    private final Views segments = new Views();
    private int head;
    private int end;

    BufferPieces(int capacity) {
        views = new ByteBuffer[capacity];
    }

    @Override
    void clear() {
        head = 0;
        end = 0;
        segments.recycle();
    }

    @Override
    boolean fits(int more) {
        return end + more <= views.length;
    }

    @Override
    boolean isEmpty() {
        return head == end;
    }

    @Override
    void add(MemorySegment memory, long offset, int bytes) {
        views[end++] = segments.view(memory, offset, bytes);
    }

    @Override
    void add(ByteBuffer buffer) {
        views[end++] = buffer;
    }

    @Override
    void skip(long bytes) {
        long left = bytes;
        for (int i = head; i < end && left > 0; i++) {
            int taken = (int) Math.min(left, views[i].remaining());
            views[i].position(views[i].position() + taken);
            left -= taken;
        }
        skipDone();
    }

    @Override
    long writeTo(WritableByteChannel socket) throws IOException {
        long bytes =
                end - head == 1
                        ? socket.write(views[head])
                        : ((GatheringByteChannel) socket).write(views, head, end - head);
        skipDone();
        return bytes;
    }

    /**
     * Fills the pieces from the front with what the socket has.
     *
     * @param socket to read from
     * @return bytes read; -1 when the other side has closed
     * @throws IOException when the socket is broken
     */
    long readFrom(ScatteringByteChannel socket) throws IOException {
        return end - head == 1 ? socket.read(views[head]) : socket.read(views, head, end - head);
    }

    /** {@return the first piece that is left} */
    ByteBuffer first() {
        return views[head];
    }

    /** {@return how many bytes are left} */
    int remaining() {
        int bytes = 0;
        for (int i = head; i < end; i++) {
            bytes += views[i].remaining();
        }
        return bytes;
    }

    /** Copies what fits into the pieces. */
    void fill(ByteBuffer source) {
        int limit = source.limit();
        for (int i = head; i < end && source.hasRemaining(); i++) {
            source.limit(Math.min(limit, source.position() + views[i].remaining()));
            views[i].put(source);
            source.limit(limit);
        }
    }

    @Override
    void sweep() {
        segments.recycle();
        segments.sweep();
    }

    private void skipDone() {
        while (head < end && !views[head].hasRemaining()) {
            head++;
        }
    }
}
