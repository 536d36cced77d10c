package io.kvwire.tcp;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;

/**
 * Pieces of memory, in the order of the bytes of a connection, that the socket reads from or writes
 * to with one system call. Confined to the event loop; allocates nothing once warm.
 */
abstract sealed class Pieces permits BufferPieces, VectorPieces {
    /** Removes all pieces. */
    abstract void clear();

    /**
     * {@return whether there is room for more}
     *
     * @param more how many
     */
    abstract boolean fits(int more);

    /** {@return whether no byte is left} */
    abstract boolean isEmpty();

    /**
     * Adds a piece of a segment behind the others.
     *
     * @param memory a segment, the same object for each run in it
     * @param offset of the piece, in bytes
     * @param bytes of the piece, at least 1
     */
    abstract void add(MemorySegment memory, long offset, int bytes);

    /**
     * Adds what remains of a buffer behind the others.
     *
     * @param buffer direct; its position moves with the bytes
     */
    abstract void add(ByteBuffer buffer);

    /**
     * Takes bytes off the front, which were read or written.
     *
     * @param bytes of them
     */
    abstract void skip(long bytes);

    /**
     * Writes from the front what the socket takes.
     *
     * @param socket as Netty gives it
     * @return bytes written
     * @throws IOException when the socket is broken
     */
    abstract long writeTo(WritableByteChannel socket) throws IOException;

    /** Lets go of memory that was not used for a while; only while there are no pieces. */
    abstract void sweep();
}
