package io.kvwire.tcp;

import com.code_intelligence.jazzer.junit.FuzzTest;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.InboundFrame;
import io.kvwire.transport.spi.LinkHandler;
import io.kvwire.transport.spi.RunCursor;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

class WireDecodersFuzzTest {
    private static final int MAX_MESSAGE_BYTES = 4096;
    private static final int MAX_PAYLOAD_BYTES = 256 << 10;

    /** What is read, from the lowest bits of the first byte; the next bit puts a magic there. */
    private static final int DECODERS = 8;

    /** Every decoder of bytes from a socket reads them or refuses them with a code. */
    @FuzzTest(maxDuration = "10s")
    void anyBytesAreReadOrRefused(byte[] bytes) {
        if (bytes.length < 1 + LaneHello.BYTES) {
            return;
        }
        var in = ByteBuffer.wrap(bytes, 1, bytes.length - 1).slice().order(ByteOrder.LITTLE_ENDIAN);
        int decoder = bytes[0] & DECODERS - 1;
        if ((bytes[0] & DECODERS) != 0) {
            // Past the magic, which random bytes would hardly ever get right.
            switch (decoder) {
                case 0, 6 -> in.putInt(0, ControlFrame.MAGIC);
                case 1, 2 -> in.putInt(0, LaneHello.MAGIC);
                case 4, 7 -> in.putInt(0, FramePrefix.MAGIC);
                default -> in.put(0, (byte) 1); // the version of an endpoint
            }
        }
        try {
            decode(decoder, in);
        } catch (TransferException e) {
            if (e.getMessage().isBlank() || (e.code() == ErrorCode.INTERNAL && decoder != 3)) {
                throw new AssertionError("a refusal that says nothing", e);
            }
        }
    }

    private static void decode(int decoder, ByteBuffer in) {
        switch (decoder) {
            case 0 -> {
                ControlFrame.kind(in, 0);
                int length = ControlFrame.length(in, 0, MAX_MESSAGE_BYTES);
                requireWithin(length, MAX_MESSAGE_BYTES);
            }
            case 1 -> LaneHello.decode(in.slice(0, LaneHello.BYTES).order(in.order()));
            case 2 -> LaneHello.decodeAnswer(in.slice(0, LaneHello.ANSWER_BYTES).order(in.order()));
            // A peer may give any code in its refusal, so that this is the one to have any.
            case 3 -> throw ControlFrame.refused("peer", in);
            case 4 -> {
                requireWithin(FramePrefix.headerBytes(in), FramePrefix.MAX_HEADER_BYTES);
                requireWithin(FramePrefix.payloadBytes(in), Long.MAX_VALUE);
            }
            case 5 -> {
                byte[] endpoint = new byte[Math.min(in.get(1) & 7, in.remaining())];
                in.get(endpoint);
                requireWithin(Endpoint.decode(endpoint).port(), 65535);
            }
            case 6 ->
                    readAll(
                            new ControlReader(
                                    MAX_MESSAGE_BYTES,
                                    (_, message) ->
                                            requireWithin(message.remaining(), MAX_MESSAGE_BYTES)),
                            in);
            default -> readAll(new FrameReader(new BufferPieces(5), new Frames(), 4, 4096), in);
        }
    }

    /** All in one, as a socket may give it; then the connection ends. */
    private static void readAll(Inlet inlet, ByteBuffer in) {
        try {
            inlet.copyFrom(in);
        } finally {
            inlet.end();
        }
    }

    private static void requireWithin(long value, long most) {
        if (value < 0 || value > most) {
            throw new AssertionError("a length of " + value + " got through");
        }
    }

    /** A node that refuses what is long, and throws all else away. */
    private static final class Frames implements LinkHandler {
        private boolean open;

        @Override
        public InboundFrame begin(ByteBuffer header, long payloadBytes) {
            requireWithin(header.remaining(), FramePrefix.MAX_HEADER_BYTES);
            requireWithin(payloadBytes, Long.MAX_VALUE);
            if (open) {
                throw new AssertionError("a frame begins in a frame");
            }
            if (payloadBytes > MAX_PAYLOAD_BYTES) {
                throw new TransferException(ErrorCode.MALFORMED, "too long");
            }
            open = true;
            return new Thrown();
        }

        @Override
        public void laneLost(int lane, TransferException reason) {
            throw new AssertionError("a reader has no lane", reason);
        }

        @Override
        public void closed(TransferException reason) {
            throw new AssertionError("a reader has no link", reason);
        }

        private final class Thrown implements InboundFrame {
            @Override
            public RunCursor target() {
                return NoRuns.INSTANCE;
            }

            @Override
            public boolean revoked() {
                return false;
            }

            @Override
            public void complete(long copiedBytes, long scatterNanos) {
                end();
            }

            @Override
            public void abort() {
                end();
            }

            private void end() {
                if (!open) {
                    throw new AssertionError("a frame ends twice");
                }
                open = false;
            }
        }
    }
}
