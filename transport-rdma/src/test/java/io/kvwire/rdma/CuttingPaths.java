package io.kvwire.rdma;

import io.kvwire.transport.Access;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DataLink;
import io.kvwire.transport.spi.DataPath;
import io.kvwire.transport.spi.DataPathProvider;
import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.DeviceReach;
import io.kvwire.transport.spi.LinkHandler;
import io.kvwire.transport.spi.LinkSetup;
import io.kvwire.transport.spi.OutboundFrame;
import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;

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
        return new Provider(rdma);
    }

    private final class Provider implements DataPathProvider {
        private final DataPathProvider rdma;

        Provider(DataPathProvider rdma) {
            this.rdma = rdma;
        }

        @Override
        public String name() {
            return rdma.name();
        }

        @Override
        public int rank() {
            return rdma.rank();
        }

        @Override
        public Optional<String> unavailable(NodeConfig config) {
            return rdma.unavailable(config);
        }

        @Override
        public DataPath open(NodeConfig config) {
            return new Path(rdma.open(config));
        }
    }

    private final class Path implements DataPath {
        private final DataPath rdma;

        Path(DataPath rdma) {
            this.rdma = rdma;
        }

        @Override
        public String name() {
            return rdma.name();
        }

        @Override
        public byte[] endpoint() {
            return rdma.endpoint();
        }

        @Override
        public CompletableFuture<DataLink> connect(LinkSetup setup, LinkHandler handler) {
            return rdma.connect(setup, handler).thenApply(Link::new);
        }

        @Override
        public CompletableFuture<DataLink> accept(LinkSetup setup, LinkHandler handler) {
            return rdma.accept(setup, handler).thenApply(Link::new);
        }

        @Override
        public void memoryAdded(MemorySegment memory, Access access) {
            rdma.memoryAdded(memory, access);
        }

        @Override
        public DeviceReach deviceMemoryAdded(
                MemorySegment memory, DeviceMemory device, Access access) {
            return rdma.deviceMemoryAdded(memory, device, access);
        }

        @Override
        public void memoryRemoved(MemorySegment memory) {
            rdma.memoryRemoved(memory);
        }

        @Override
        public void close() {
            rdma.close();
        }
    }

    private final class Link implements DataLink {
        private final RdmaLink rdma;

        Link(DataLink link) {
            rdma = (RdmaLink) link;
        }

        @Override
        public int lanes() {
            return rdma.lanes();
        }

        @Override
        public Map<String, String> details() {
            return rdma.details();
        }

        @Override
        public void send(OutboundFrame frame) {
            long left = untilCut.addAndGet(-frame.payloadBytes());
            boolean cut = left <= 0 && untilCut.compareAndSet(left, NO_CUT);
            rdma.send(cut ? new LastFrame(frame, rdma) : frame);
        }

        @Override
        public void close(TransferException why) {
            rdma.close(why);
        }
    }

    /** A frame in the middle of which its lane breaks. */
    private final class LastFrame implements OutboundFrame {
        private final OutboundFrame frame;
        private final RdmaLink link;

        LastFrame(OutboundFrame frame, RdmaLink link) {
            this.frame = frame;
            this.link = link;
        }

        @Override
        public ByteBuffer header() {
            return frame.header();
        }

        @Override
        public long payloadBytes() {
            return frame.payloadBytes();
        }

        @Override
        public RunCursor payload() {
            return frame.payload();
        }

        @Override
        public boolean wanted() {
            return frame.wanted();
        }

        @Override
        public boolean answersRead() {
            return frame.answersRead();
        }

        @Override
        public void sending(int lane) {
            frame.sending(lane);
            link.all().get(lane).failSoon(reason);
        }

        @Override
        public void released(boolean sent) {
            frame.released(sent);
        }
    }
}
