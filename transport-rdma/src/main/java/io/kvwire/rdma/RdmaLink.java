package io.kvwire.rdma;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DataLink;
import io.kvwire.transport.spi.LinkHandler;
import io.kvwire.transport.spi.LinkSetup;
import io.kvwire.transport.spi.OutboundFrame;
import io.kvwire.transport.spi.Pace;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The queue pairs to one peer. They are connected by its {@link Handshake}. Thread-safe. */
final class RdmaLink implements DataLink {
    private static final System.Logger LOG = System.getLogger("io.kvwire.rdma");

    private final RdmaDataPath path;
    private final LinkSetup setup;
    private final LinkHandler handler;
    private final Handshake handshake;
    private final CompletableFuture<DataLink> ready = new CompletableFuture<>();
    private final CompletableFuture<Void> finished = new CompletableFuture<>();

    /** The lanes, once they are made; never changed after that. */
    private volatile Lane[] lanes = {};

    private volatile Optional<TransferException> lastLoss = Optional.empty();
    private int lanesUp;
    private int lanesGone;
    private boolean complete;
    private boolean warned;
    private Optional<TransferException> closing = Optional.empty();

    RdmaLink(RdmaDataPath path, LinkSetup setup, LinkHandler handler, long epoch) {
        this.path = path;
        this.setup = setup;
        this.handler = handler;
        handshake = new Handshake(this, path, setup, epoch);
    }

    // ---- set-up -------------------------------------------------------------------------------

    /** Offers queue pairs to the other side, or waits for its offer. */
    void open(boolean connecting) {
        handshake.begin(connecting);
        var _ =
                ready.copy()
                        .orTimeout(setup.timeoutNanos(), TimeUnit.NANOSECONDS)
                        .whenComplete((link, failure) -> {
                            if (failure != null) {
                                close(
                                        new TransferException(
                                                ErrorCode.UNREACHABLE,
                                                "no rdma lanes to '"
                                                        + setup.peerName()
                                                        + "' in time"));
                            }
                        });
    }

    /** The queue pairs of both sides are connected. */
    void up() {
        synchronized (this) {
            if (closing.isPresent()) {
                return;
            }
            complete = true;
        }
        ready.complete(this);
    }

    /** Makes a lane on each of some rails. */
    void make(List<Rail> rails) {
        var made = new Lane[rails.size()];
        for (int i = 0; i < made.length; i++) {
            try {
                made[i] = new Lane(this, i, rails.get(i), path.spec(rails.get(i)));
            } catch (TransferException e) {
                keep(Stream.of(made).limit(i).toArray(Lane[]::new));
                throw e;
            }
        }
        keep(made);
    }

    /** Takes lanes that were made; fails them when the link was closed meanwhile. */
    private void keep(Lane[] made) {
        Optional<TransferException> late;
        synchronized (this) {
            lanes = made;
            lanesUp = made.length;
            late = closing;
        }
        late.ifPresent(why -> Stream.of(made).forEach(lane -> lane.failSoon(why)));
    }

    // ---- for its lanes --------------------------------------------------------------------------

    LinkHandler handler() {
        return handler;
    }

    RdmaOptions options() {
        return path.options();
    }

    Optional<Pace> pace() {
        return path.pace();
    }

    /** {@return completes when no lane is left and the handler has been told} */
    CompletableFuture<Void> finished() {
        return finished;
    }

    CompletableFuture<DataLink> ready() {
        return ready;
    }

    /** {@return all lanes, also those that are gone} */
    List<Lane> all() {
        return List.of(lanes);
    }

    /** A lane begins to fail: the other end must learn of it, for it may wait for its bytes. */
    void failing(Lane lane, TransferException why) {
        lastLoss = Optional.of(why);
        boolean alone;
        synchronized (this) {
            alone = complete && closing.isEmpty();
        }
        if (alone) {
            handshake.laneDown(lane.index(), why);
        }
    }

    /** A lane is dead and drained, and gives its frames back next. */
    synchronized void lost() {
        lanesUp--;
    }

    /** Takes note that a lane is gone, and its frames are back. */
    void gone(Lane lane, TransferException reason) {
        boolean broken;
        synchronized (this) {
            broken = complete && closing.isEmpty();
        }
        if (broken) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    () -> this + ": lane " + lane.index() + " is lost: " + reason.getMessage());
            handler.laneLost(lane.index(), reason);
        }
        Optional<TransferException> last = Optional.empty();
        synchronized (this) {
            if (++lanesGone == lanes.length) {
                last = Optional.of(closing.orElseGet(() -> peerLost(reason)));
                closing = last;
            }
        }
        if (!complete) {
            close(reason);
        }
        last.ifPresent(this::end);
    }

    private void end(TransferException reason) {
        if (complete) {
            handler.closed(reason);
        }
        path.ended(this);
        finished.complete(null);
    }

    private TransferException peerLost(TransferException reason) {
        return new TransferException(
                ErrorCode.PEER_LOST,
                "all "
                        + lanes.length
                        + " rdma lanes to '"
                        + setup.peerName()
                        + "' are down; the last: "
                        + reason.getMessage(),
                reason);
    }

    /**
     * Memory of a frame could not be registered: its payload is copied instead, and that is said.
     */
    void notRegistered(TransferException why) {
        synchronized (this) {
            if (warned) {
                return;
            }
            warned = true;
        }
        LOG.log(
                System.Logger.Level.WARNING,
                () ->
                        this
                                + ": payload is copied, because memory could not be registered: "
                                + why.getMessage());
    }

    // ---- for the node ---------------------------------------------------------------------------

    @Override
    public synchronized int lanes() {
        return lanesUp;
    }

    @Override
    public Optional<TransferException> lastLoss() {
        return lastLoss;
    }

    @Override
    public Map<String, String> details() {
        var details = new LinkedHashMap<String, String>();
        details.put("provider", path.provider());
        var rails = Stream.of(lanes).map(Lane::rail).distinct().toList();
        details.put(
                "rails",
                rails.stream()
                        .map(rail ->
                                "%s gid %d %s (%s)"
                                        .formatted(
                                                rail.pick().port().label(),
                                                rail.pick().gid().index(),
                                                rail.pick().gid().address(),
                                                rail.pick().reason()))
                        .collect(Collectors.joining(", ")));
        details.put(
                "mtu",
                rails.stream()
                        .map(rail -> String.valueOf(path.mtuBytes(rail)))
                        .distinct()
                        .collect(Collectors.joining(", ")));
        if (!path.passed().isEmpty()) {
            details.put("passed", String.join("; ", path.passed()));
        }
        details.put("connect", handshake.managed() ? "rdma_cm" : "exchange");
        details.put("pull", path.options().pull().name().toLowerCase(Locale.ROOT));
        details.put(
                "keys",
                rails.stream()
                        .map(rail ->
                                rail.windows()
                                        ? "windows: of one frame, on its queue pair alone"
                                        : "registrations: of one node and access, for as long as"
                                                + " the memory is registered")
                        .distinct()
                        .collect(Collectors.joining(", ")));
        path.pace()
                .ifPresent(pace ->
                        details.put("bytesPerSecond", String.valueOf(pace.bytesPerSecond())));
        return details;
    }

    @Override
    public void send(OutboundFrame frame) {
        var all = lanes;
        // A lane that goes down meanwhile refuses the frame, and is not chosen again.
        for (int tries = 0; tries < all.length; tries++) {
            int lane = Striping.choose(all, frame.payloadBytes());
            if (lane < 0) {
                break;
            }
            if (all[lane].send(frame)) {
                return;
            }
        }
        frame.released(false);
    }

    @Override
    public void close(TransferException reason) {
        Lane[] made;
        synchronized (this) {
            if (closing.isPresent()) {
                return;
            }
            closing = Optional.of(reason);
            made = lanes;
        }
        ready.completeExceptionally(reason);
        for (var lane : made) {
            lane.failSoon(reason);
        }
        if (made.length == 0) {
            path.ended(this);
            finished.complete(null);
        }
    }

    @Override
    public String toString() {
        return "path rdma to '" + setup.peerName() + "'";
    }
}
