package io.kvwire.tcp;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DataLink;
import io.kvwire.transport.spi.LinkHandler;
import io.kvwire.transport.spi.LinkSetup;
import io.kvwire.transport.spi.OutboundFrame;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** The lanes to one peer. Each frame goes to the lane with the least bytes waiting. Thread-safe. */
final class TcpDataLink implements DataLink {
    private static final Logger LOG = LoggerFactory.getLogger(TcpDataLink.class);

    /** How long a peer that leaves may take to close all of its lanes. */
    private static final int LEAVING_MILLIS = 500;

    private final LinkSetup setup;
    private final LinkHandler handler;
    private final TcpOptions options;
    private final Optional<RateLimit> limit;
    private final CompletableFuture<DataLink> ready = new CompletableFuture<>();
    private final CompletableFuture<Void> finished = new CompletableFuture<>();

    /** The lanes that are up; replaced, never changed. */
    private volatile Lane[] lanes = {};

    private volatile Optional<TransferException> lastLoss = Optional.empty();

    private final boolean[] taken;
    private int placed;
    private boolean complete;
    private boolean told;
    private Optional<TransferException> closing = Optional.empty();

    TcpDataLink(
            LinkSetup setup, LinkHandler handler, TcpOptions options, Optional<RateLimit> limit) {
        this.setup = setup;
        this.handler = handler;
        this.options = options;
        this.limit = limit;
        taken = new boolean[setup.lanes()];
    }

    TcpOptions options() {
        return options;
    }

    LinkSetup setup() {
        return setup;
    }

    /** {@return completes when all lanes are up} */
    CompletableFuture<DataLink> ready() {
        return ready;
    }

    /** {@return completes when no lane is left and the handler has been told} */
    CompletableFuture<Void> finished() {
        return finished;
    }

    /** {@return whether a lane is still missing; it is no longer, once this said so} */
    synchronized boolean take(int lane) {
        if (lane >= taken.length || taken[lane] || closing.isPresent()) {
            return false;
        }
        taken[lane] = true;
        return true;
    }

    /** {@return a lane over a connection whose handshake is over} */
    Lane lane(int index, Connection connection) {
        return new Lane(index, connection, handler, options, limit);
    }

    /** Uses a lane from now on. */
    void up(Lane lane) {
        Optional<TransferException> late;
        boolean last;
        synchronized (this) {
            late = closing;
            lanes = Stream.concat(Stream.of(lanes), Stream.of(lane)).toArray(Lane[]::new);
            placed++;
            last = placed == setup.lanes() && late.isEmpty();
            complete |= last;
        }
        late.ifPresent(lane::close);
        if (last) {
            LOG.debug("path tcp to {}: {} lanes, {}", setup.peerName(), setup.lanes(), details());
            ready.complete(this);
        }
    }

    /** Takes note that a lane is gone. Called by its event loop. */
    void gone(Lane lane, TransferException reason) {
        lastLoss = Optional.of(reason);
        lane.end();
        boolean broken;
        synchronized (this) {
            broken = complete && closing.isEmpty();
        }
        if (broken) {
            logLost(lane, reason);
            handler.laneLost(lane.index(), reason);
        }
        Optional<TransferException> last = Optional.empty();
        synchronized (this) {
            lanes = Stream.of(lanes).filter(other -> other != lane).toArray(Lane[]::new);
            if (lanes.length == 0 && complete && !told) {
                told = true;
                last = Optional.of(closing.orElseGet(() -> peerLost(reason)));
                closing = last;
            }
        }
        if (!complete) {
            close(reason);
        }
        last.ifPresent(handler::closed);
        if (lanes.length == 0) {
            finished.complete(null);
        }
    }

    /** A peer that leaves closes its lanes one by one: a loss is news only while the link lives. */
    private void logLost(Lane lane, TransferException reason) {
        var _ =
                lane.connection()
                        .channel()
                        .eventLoop()
                        .schedule(
                                () -> {
                                    if (lanes.length > 0) {
                                        LOG.warn(
                                                "path tcp to {}: lane {} is lost: {}",
                                                setup.peerName(),
                                                lane.index(),
                                                reason.getMessage());
                                    }
                                },
                                LEAVING_MILLIS,
                                TimeUnit.MILLISECONDS);
    }

    @Override
    public int lanes() {
        return lanes.length;
    }

    @Override
    public Optional<TransferException> lastLoss() {
        return lastLoss;
    }

    /** {@return the lanes that are up} */
    List<Lane> lanesUp() {
        return List.of(lanes);
    }

    @Override
    public Map<String, String> details() {
        return lanes.length == 0 ? Map.of() : LinkDetails.of(lanes[0].connection(), options, limit);
    }

    @Override
    public void send(OutboundFrame frame) {
        var all = lanes;
        // A lane that goes down meanwhile refuses the frame, and is not chosen again.
        for (int tries = 0; tries < all.length; tries++) {
            if (freest(all).send(frame)) {
                return;
            }
        }
        frame.released(false);
    }

    private static Lane freest(Lane[] all) {
        var best = all[0];
        long least = best.queuedBytes();
        for (int i = 1; i < all.length && least > 0; i++) {
            long queued = all[i].queuedBytes();
            if (queued < least) {
                least = queued;
                best = all[i];
            }
        }
        return best;
    }

    @Override
    public void close(TransferException reason) {
        synchronized (this) {
            if (closing.isPresent()) {
                return;
            }
            closing = Optional.of(reason);
        }
        ready.completeExceptionally(reason);
        for (var lane : lanes) {
            lane.close(reason);
        }
        if (lanes.length == 0) {
            finished.complete(null);
        }
    }

    private TransferException peerLost(TransferException reason) {
        return new TransferException(
                ErrorCode.PEER_LOST,
                "all "
                        + setup.lanes()
                        + " tcp lanes to "
                        + setup.peerName()
                        + " are down; the last: "
                        + reason.getMessage(),
                reason);
    }
}
