package io.kvwire.tcp;

import com.code_intelligence.jazzer.junit.FuzzTest;

import io.kvwire.transport.TransferException;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

class WireDecodersFuzzTest {
    private static final int MAX_MESSAGE_BYTES = 4096;

    /** Every decoder of bytes from a socket reads them or refuses them with a code. */
    @FuzzTest(maxDuration = "10s")
    void anyBytesAreReadOrRefused(byte[] bytes) {
        if (bytes.length < 1 + LaneHello.BYTES) {
            return;
        }
        var in = ByteBuffer.wrap(bytes, 1, bytes.length - 1).slice().order(ByteOrder.LITTLE_ENDIAN);
        if ((bytes[0] & 4) != 0) {
            // Past the magic, which random bytes would hardly ever get right.
            in.putInt(0, (bytes[0] & 1) == 0 ? ControlFrame.MAGIC : LaneHello.MAGIC);
        }
        try {
            switch (bytes[0] & 3) {
                case 0 -> {
                    ControlFrame.kind(in, 0);
                    int length = ControlFrame.length(in, 0, MAX_MESSAGE_BYTES);
                    if (length < 0 || length > MAX_MESSAGE_BYTES) {
                        throw new AssertionError("a length of " + length + " got through");
                    }
                }
                case 1 -> LaneHello.decode(in.slice(0, LaneHello.BYTES).order(in.order()));
                case 2 ->
                        LaneHello.decodeAnswer(
                                in.slice(0, LaneHello.ANSWER_BYTES).order(in.order()));
                default -> throw ControlFrame.refused("peer", in);
            }
        } catch (TransferException e) {
            if (e.getMessage().isBlank()) {
                throw new AssertionError("a refusal that says nothing", e);
            }
        }
    }
}
