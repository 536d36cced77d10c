package io.kvwire.tcp;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/**
 * What the nodes of this process write to their log, which goes to the standard error here, from
 * now on until it is closed. Not for tests that run at the same time as others.
 */
final class Said implements AutoCloseable {
    private final PrintStream before = System.err;
    private final ByteArrayOutputStream text = new ByteArrayOutputStream();

    Said() {
        System.setErr(new PrintStream(new Both(), true, StandardCharsets.UTF_8));
    }

    String text() {
        return text.toString(StandardCharsets.UTF_8);
    }

    @Override
    public void close() {
        System.setErr(before);
    }

    private final class Both extends OutputStream {
        @Override
        public void write(int octet) {
            before.write(octet);
            text.write(octet);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) {
            before.write(bytes, offset, length);
            text.write(bytes, offset, length);
        }

        @Override
        public void flush() throws IOException {
            before.flush();
        }
    }
}
