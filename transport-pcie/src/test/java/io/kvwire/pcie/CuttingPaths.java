package io.kvwire.pcie;

import io.kvwire.tck.fault.ForwardedInbound;
import io.kvwire.tck.fault.LinkTap;
import io.kvwire.tck.fault.Taps;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DataLink;
import io.kvwire.transport.spi.DataPathProvider;
import io.kvwire.transport.spi.InboundFrame;
import io.kvwire.transport.spi.LinkHandler;
import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicLong;

/** Paths one of whose lanes breaks after so many bytes, in the middle of the payload of a frame. */
final class CuttingPaths {
    private static final long NO_CUT = Long.MAX_VALUE / 2;

    private final AtomicLong untilCut = new AtomicLong(NO_CUT);
    private volatile TransferException reason;

    void cutAfter(long payloadBytes, TransferException why) {
        reason = why;
        untilCut.set(payloadBytes);
    }

    DataPathProvider around(DataPathProvider provider) {
        return Taps.around(provider, handler -> new Tap(new Handler(handler)));
    }

    private record Tap(LinkHandler inbound) implements LinkTap {
        @Override
        public DataLink over(DataLink link) {
            return link;
        }
    }

    private final class Handler implements LinkHandler {
        private final LinkHandler handler;

        Handler(LinkHandler handler) {
            this.handler = handler;
        }

        @Override
        public InboundFrame begin(ByteBuffer header, long payloadBytes) {
            var frame = handler.begin(header, payloadBytes);
            long left = untilCut.addAndGet(-payloadBytes);
            boolean cut = left <= 0 && untilCut.compareAndSet(left, NO_CUT);
            return cut ? new CutFrame(frame, reason) : frame;
        }

        @Override
        public void laneLost(int lane, TransferException why) {
            handler.laneLost(lane, why);
        }

        @Override
        public void closed(TransferException why) {
            handler.closed(why);
        }
    }

    /** A frame whose lane breaks when its payload is placed. */
    private static final class CutFrame extends ForwardedInbound {
        private final TransferException why;

        CutFrame(InboundFrame frame, TransferException why) {
            super(frame);
            this.why = why;
        }

        @Override
        public RunCursor target() {
            var runs = frame.target();
            return new RunCursor() {
                @Override
                public boolean next() {
                    throw why;
                }

                @Override
                public MemorySegment segment() {
                    return runs.segment();
                }

                @Override
                public long offset() {
                    return runs.offset();
                }

                @Override
                public long length() {
                    return runs.length();
                }
            };
        }
    }
}
