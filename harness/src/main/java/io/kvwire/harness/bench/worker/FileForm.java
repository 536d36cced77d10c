package io.kvwire.harness.bench.worker;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/** How a request looks in a file. Confined to one thread. */
interface FileForm extends AutoCloseable {
    /** Writes a request from the source's blocks. */
    void save(FileChannel out, int request) throws IOException;

    /** Reads it into the target's blocks, and checks that it is what was written. */
    void load(FileChannel in, int request) throws IOException;

    @Override
    default void close() {}

    /** Writes all of a buffer. */
    static void writeAll(FileChannel out, ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining()) {
            out.write(buffer);
        }
    }

    /** Fills a buffer. */
    static void readAll(FileChannel in, ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining()) {
            if (in.read(buffer) < 0) {
                throw new IOException("it ends too early");
            }
        }
    }
}
