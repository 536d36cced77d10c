package io.kvwire.tcp;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Function;

/** Waits for a message of a known length, and not a byte more. */
final class FixedInlet extends Inlet {
    private final ByteBuffer message;
    private final Function<ByteBuffer, Inlet> next;

    /**
     * @param bytes of the message
     * @param next takes the message, little-endian, and gives the inlet for what follows
     */
    FixedInlet(int bytes, Function<ByteBuffer, Inlet> next) {
        super(new BufferPieces(1));
        message = ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
        this.next = next;
    }

    @Override
    void prepare() {
        pieces.clear();
        pieces.add(message);
    }

    @Override
    Inlet advance(int bytes) {
        return message.hasRemaining() ? this : next.apply(message.flip());
    }

    @Override
    void end() {
        // An incomplete message is of no use to anybody.
    }
}
