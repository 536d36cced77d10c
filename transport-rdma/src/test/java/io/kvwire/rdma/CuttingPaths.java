package io.kvwire.rdma;

import io.kvwire.tck.fault.ForwardedOutbound;
import io.kvwire.tck.fault.FrameTap;
import io.kvwire.tck.fault.LinkTap;
import io.kvwire.tck.fault.Taps;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DataLink;
import io.kvwire.transport.spi.DataPathProvider;
import io.kvwire.transport.spi.LinkHandler;
import io.kvwire.transport.spi.OutboundFrame;

import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;

/** RDMA paths of which a lane breaks after so many bytes. */
final class CuttingPaths {
    private static final long NO_CUT = Long.MAX_VALUE / 2;

    private final AtomicLong untilCut = new AtomicLong(NO_CUT);
    private volatile TransferException reason;

    void cutAfter(long payloadBytes, TransferException why) {
        reason = why;
        untilCut.set(payloadBytes);
    }

    DataPathProvider around(DataPathProvider rdma) {
        return Taps.around(rdma, Tap::new);
    }

    private final class Tap implements LinkTap {
        private final LinkHandler node;

        Tap(LinkHandler node) {
            this.node = node;
        }

        @Override
        public LinkHandler inbound() {
            return node;
        }

        @Override
        public DataLink over(DataLink link) {
            var rdma = (RdmaLink) link;
            return new FrameTap(node, UnaryOperator.identity(), frame -> sending(frame, rdma))
                    .over(link);
        }
    }

    private OutboundFrame sending(OutboundFrame frame, RdmaLink link) {
        long left = untilCut.addAndGet(-frame.payloadBytes());
        boolean cut = left <= 0 && untilCut.compareAndSet(left, NO_CUT);
        return cut ? new LastFrame(frame, link) : frame;
    }

    /** A frame in the middle of which its lane breaks. */
    private final class LastFrame extends ForwardedOutbound {
        private final RdmaLink link;

        LastFrame(OutboundFrame frame, RdmaLink link) {
            super(frame);
            this.link = link;
        }

        @Override
        public void sending(int lane) {
            super.sending(lane);
            link.all().get(lane).failSoon(reason);
        }
    }
}
