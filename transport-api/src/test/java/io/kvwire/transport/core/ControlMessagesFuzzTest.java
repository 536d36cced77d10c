package io.kvwire.transport.core;

import static org.junit.jupiter.api.Assertions.assertFalse;

import com.code_intelligence.jazzer.junit.FuzzTest;

import io.kvwire.transport.BlockTable;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.Limits;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.AfterAll;

import java.nio.ByteBuffer;
import java.util.function.Consumer;

class ControlMessagesFuzzTest {
    private static final LoneNode NODE = new LoneNode();

    @AfterAll
    static void close() {
        NODE.close();
    }

    /**
     * Every decoder of the control channel reads its bytes, all of them, or refuses them as
     * malformed: with a byte too many, what was read is refused.
     */
    @FuzzTest(maxDuration = "10s")
    void anyBytesAreReadOrRefused(byte[] bytes) {
        if (bytes.length == 0) {
            return;
        }
        var in = ByteBuffer.wrap(bytes, 1, bytes.length - 1).slice();
        switch (bytes[0] & 7) {
            case 0 -> read(in, all -> Hello.decode(new MessageReader(all), Limits.DEFAULT));
            case 1 -> read(in, all -> ControlMessages.ReadBlocks.decode(new MessageReader(all)));
            case 2 -> read(in, all -> ControlMessages.ReadRanges.decode(new MessageReader(all)));
            case 3 -> read(in, all -> BlockTable.decode(bytes(all)));
            case 4 -> read(in, all -> ViewMessages.Ask.decode(new MessageReader(all)));
            case 5 -> read(in, all -> ViewMessages.Answer.decode(new MessageReader(all)));
            default -> hear(in);
        }
    }

    private static void read(ByteBuffer in, Consumer<ByteBuffer> decoder) {
        if (isRead(in, decoder)) {
            var longer = ByteBuffer.allocate(in.remaining() + 1).put(in.duplicate()).rewind();
            assertFalse(isRead(longer, decoder), "a byte too many was read as well");
        }
    }

    private static byte[] bytes(ByteBuffer all) {
        byte[] copy = new byte[all.remaining()];
        all.get(all.position(), copy);
        return copy;
    }

    private static boolean isRead(ByteBuffer in, Consumer<ByteBuffer> decoder) {
        try {
            decoder.accept(in);
            return true;
        } catch (TransferException e) {
            if (e.code() != ErrorCode.MALFORMED) {
                throw e;
            }
            return false;
        }
    }

    /** Bytes as messages, each after its length; a session ends, or goes on. */
    private static void hear(ByteBuffer in) {
        var meeting = NODE.meet();
        while (in.hasRemaining()) {
            int length = Math.min(Byte.toUnsignedInt(in.get()), in.remaining());
            meeting.session.received(in.slice(in.position(), length));
            in.position(in.position() + length);
        }
        ControlMessagesTest.assertEndsClean(NODE, meeting);
    }
}
