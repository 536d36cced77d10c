package io.kvwire.pcie;

import io.kvwire.transport.Access;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DataLink;
import io.kvwire.transport.spi.DataPath;
import io.kvwire.transport.spi.DataPathProvider;
import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.InboundFrame;
import io.kvwire.transport.spi.LinkHandler;
import io.kvwire.transport.spi.LinkSetup;
import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
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
        return new DataPathProvider() {
            @Override
            public String name() {
                return provider.name();
            }

            @Override
            public int rank() {
                return provider.rank();
            }

            @Override
            public Optional<String> unavailable(NodeConfig config) {
                return provider.unavailable(config);
            }

            @Override
            public DataPath open(NodeConfig config) {
                return new Path(provider.open(config));
            }
        };
    }

    private final class Path implements DataPath {
        private final DataPath path;

        Path(DataPath path) {
            this.path = path;
        }

        @Override
        public String name() {
            return path.name();
        }

        @Override
        public byte[] endpoint() {
            return path.endpoint();
        }

        @Override
        public Optional<String> unreachable(byte[] endpoint) {
            return path.unreachable(endpoint);
        }

        @Override
        public CompletableFuture<DataLink> connect(LinkSetup setup, LinkHandler handler) {
            return path.connect(setup, new Handler(handler));
        }

        @Override
        public CompletableFuture<DataLink> accept(LinkSetup setup, LinkHandler handler) {
            return path.accept(setup, new Handler(handler));
        }

        @Override
        public void memoryAdded(MemorySegment memory, Access access) {
            path.memoryAdded(memory, access);
        }

        @Override
        public void memoryRemoved(MemorySegment memory) {
            path.memoryRemoved(memory);
        }

        @Override
        public void peerMemoryAdded(MemorySegment memory, DeviceMemory device) {
            path.peerMemoryAdded(memory, device);
        }

        @Override
        public CompletableFuture<Void> peerMemoryRemoved(MemorySegment memory) {
            return path.peerMemoryRemoved(memory);
        }

        @Override
        public void close() {
            path.close();
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
    private record CutFrame(InboundFrame frame, TransferException why) implements InboundFrame {
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

        @Override
        public boolean direct(DeviceMemory device) {
            return frame.direct(device);
        }

        @Override
        public boolean revoked() {
            return frame.revoked();
        }

        @Override
        public void complete(long copiedBytes, long scatterNanos) {
            frame.complete(copiedBytes, scatterNanos);
        }

        @Override
        public void abort() {
            frame.abort();
        }
    }
}
