package io.kvwire.tcp;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelConfig;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.util.UncheckedBooleanSupplier;

/** Makes Netty read straight into the pieces of an {@link Inlet}: it is asked before every read. */
final class InletReads implements RecvByteBufAllocator {
    /**
     * One turn of the event loop reads no more than this from one connection, so that others get
     * theirs.
     */
    private static final int TURN_BYTES = 2 << 20;

    private final Channel channel;
    private final ScatterBuffer buffer;

    InletReads(Channel channel, ScatterBuffer buffer) {
        this.channel = channel;
        this.buffer = buffer;
    }

    @Override
    public ExtendedHandle newHandle() {
        return new Turn();
    }

    private final class Turn implements ExtendedHandle {
        private int attempted;
        private int last;
        private int total;

        @Override
        public ByteBuf allocate(ByteBufAllocator ignored) {
            return buffer.prepare();
        }

        @Override
        public int guess() {
            return 0;
        }

        @Override
        public void reset(ChannelConfig config) {
            total = 0;
        }

        @Override
        public void incMessagesRead(int messages) {
            // The limit of a turn counts bytes.
        }

        @Override
        public void lastBytesRead(int bytes) {
            last = bytes;
            total += Math.max(bytes, 0);
        }

        @Override
        public int lastBytesRead() {
            return last;
        }

        @Override
        public void attemptedBytesRead(int bytes) {
            attempted = bytes;
        }

        @Override
        public int attemptedBytesRead() {
            return attempted;
        }

        @Override
        public boolean continueReading() {
            // A read that was not filled has emptied the socket: it says when there is more.
            total += buffer.drained();
            return last == attempted && total < TURN_BYTES && channel.isOpen();
        }

        @Override
        public boolean continueReading(UncheckedBooleanSupplier maybeMore) {
            return continueReading();
        }

        @Override
        public void readComplete() {
            // Nothing was held for the turn.
        }
    }
}
