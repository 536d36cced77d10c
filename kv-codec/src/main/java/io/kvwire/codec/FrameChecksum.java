package io.kvwire.codec;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * CRC32C over stretches of a frame. Remembers the view of the last frame, since a codec sees the
 * same staging memory again and again and a view is an allocation. Confined to one thread.
 */
final class FrameChecksum {
    private final CRC32C crc = new CRC32C();
    private MemorySegment viewed = MemorySegment.NULL;
    private ByteBuffer view = ByteBuffer.allocate(0);

    /** The checksum of the bytes from {@code from} to {@code end}, at most 2 GiB into the frame. */
    int of(MemorySegment frame, int from, int end) {
        start();
        add(frame, from, end);
        return value();
    }

    /** Begins with no bytes. */
    void start() {
        crc.reset();
    }

    /** Adds the bytes from {@code from} to {@code end}. */
    void add(MemorySegment frame, int from, int end) {
        if (frame != viewed) {
            long reachable = Math.min(frame.byteSize(), Integer.MAX_VALUE);
            view = frame.asSlice(0, reachable).asByteBuffer();
            viewed = frame;
        }
        crc.update(view.clear().position(from).limit(end));
    }

    /** The checksum of the bytes so far. */
    int value() {
        return (int) crc.getValue();
    }
}
