package io.kvwire.tcp;

import io.kvwire.tcp.ffi.VectorCalls;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.LinkHandler;
import io.kvwire.transport.spi.OutboundFrame;
import io.netty.channel.ChannelHandlerContext;
import io.netty.util.concurrent.Future;

import java.util.ArrayDeque;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * One lane of a link: the frames that wait for it, and the two halves that move bytes. {@link
 * #send}, {@link #queuedBytes} and {@link #close} may be called by any thread; all else is confined
 * to the event loop of the connection.
 */
final class Lane implements FrameWriter.FrameQueue {
    private static final long SWEEP_SECONDS = 10;

    /** How many runs one read can fill. */
    private static final int MAX_RUNS = 256;

    private final int index;
    private final Connection connection;
    private final FrameReader reader;
    private final FrameWriter writer;
    private final Pump pump;
    private final Future<?> sweeper;

    private final ArrayDeque<OutboundFrame> queue = new ArrayDeque<>();
    private boolean idle = true;
    private volatile boolean down;
    private volatile long queuedBytes;

    Lane(
            int index,
            Connection connection,
            LinkHandler handler,
            TcpOptions options,
            Optional<RateLimit> limit) {
        this.index = index;
        this.connection = connection;
        var channel = connection.channel();
        reader =
                new FrameReader(
                        connection.pieces(MAX_RUNS + 1), handler, MAX_RUNS, options.readBytes());
        int batchBytes =
                limit.map(rate -> rate.quantumBytes(options.writeBytes()))
                        .orElse(options.writeBytes());
        var gate =
                limit.<FrameWriter.Gate>map(
                                rate -> new RateGate(rate, channel.eventLoop(), this::kick))
                        .orElse(FrameWriter.Gate.OPEN);
        writer =
                new FrameWriter(
                        connection.pieces(VectorCalls.MAX_PIECES), index, this, gate, batchBytes);
        pump = new Pump(channel, writer);
        sweeper =
                channel.eventLoop()
                        .scheduleWithFixedDelay(
                                this::sweep, SWEEP_SECONDS, SWEEP_SECONDS, TimeUnit.SECONDS);
    }

    int index() {
        return index;
    }

    Connection connection() {
        return connection;
    }

    FrameReader reader() {
        return reader;
    }

    /** Sends through the handlers before the connection, which encrypt. */
    void encrypt(ChannelHandlerContext context) {
        pump.encrypt(context);
    }

    /**
     * {@return the bytes of the frames given to the lane and not yet released; the most when it is
     * down}
     */
    long queuedBytes() {
        return down ? Long.MAX_VALUE : queuedBytes;
    }

    /** {@return false when the lane is down: the frame is still the caller's} */
    boolean send(OutboundFrame frame) {
        boolean wake;
        synchronized (queue) {
            if (down) {
                return false;
            }
            queue.add(frame);
            queuedBytes += weight(frame);
            wake = idle;
            idle = false;
        }
        if (wake) {
            kick();
        }
        return true;
    }

    void close(TransferException reason) {
        connection.fail(reason);
    }

    /** Gives back every frame; called once, when the connection is gone. */
    void end() {
        sweeper.cancel(false);
        synchronized (queue) {
            down = true;
        }
        pump.end();
        // Nobody adds to the queue any more.
        for (var frame = queue.poll(); frame != null; frame = queue.poll()) {
            release(frame, false);
        }
    }

    @Override
    public OutboundFrame poll() {
        synchronized (queue) {
            var frame = queue.poll();
            idle = frame == null;
            return frame;
        }
    }

    @Override
    public void release(OutboundFrame frame, boolean sent) {
        long weight = weight(frame);
        synchronized (queue) {
            queuedBytes -= weight;
        }
        frame.released(sent);
    }

    private void kick() {
        pump.kick();
    }

    private void sweep() {
        reader.sweep();
        writer.sweep();
    }

    /** A frame costs something even when it is empty. */
    private static long weight(OutboundFrame frame) {
        return frame.payloadBytes() + FramePrefix.BYTES;
    }
}
