package io.kvwire.rdma;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.LinkSetup;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.Future;
import java.util.stream.IntStream;

/**
 * How the queue pairs of a link are connected: by three messages over the control channel, the
 * offer of the connecting side, the answer of the other, and a confirmation. They tell everything
 * that the queue pairs need; or, where the system's connection manager is wanted, the ports at
 * which the answering side waits and the secret that the other has to show there, its epoch. Later
 * it carries the word of lanes that went down. Its calls come from the control channel, one at a
 * time.
 */
final class Handshake {
    private final RdmaLink link;
    private final RdmaDataPath path;
    private final LinkSetup setup;
    private final long epoch;
    private final long deadlineNanos;
    private boolean connecting;
    private volatile boolean managed;
    private long peerEpoch;

    Handshake(RdmaLink link, RdmaDataPath path, LinkSetup setup, long epoch) {
        this.link = link;
        this.path = path;
        this.setup = setup;
        this.epoch = epoch;
        deadlineNanos = System.nanoTime() + setup.timeoutNanos();
    }

    /** Makes the queue pairs and offers them, or waits for the other side's offer. */
    void begin(boolean offers) {
        connecting = offers;
        setup.exchange().receive(this::told);
        if (offers) {
            attempt(() -> {
                managed = path.managed();
                var rails = path.rails();
                link.make(
                        IntStream.range(0, setup.lanes())
                                .mapToObj(i -> rails.get(i % rails.size()))
                                .toList());
                tell(offer().encode(LinkOffer.OFFER));
            });
        }
    }

    /** {@return whether queue pairs are connected through the connection manager} */
    boolean managed() {
        return managed;
    }

    private void told(byte[] message) {
        attempt(() -> {
            var in = LinkOffer.open(message);
            switch (in.get()) {
                case LinkOffer.OFFER -> offered(LinkOffer.decode(in));
                case LinkOffer.ANSWER -> answered(LinkOffer.decode(in));
                case LinkOffer.CONFIRM -> confirmed(in);
                case LinkOffer.REFUSE ->
                        throw new TransferException(
                                ErrorCode.UNREACHABLE,
                                "'" + setup.peerName() + "' refuses: " + LinkOffer.rest(in));
                case LinkOffer.LANE_DOWN -> laneDown(in);
                default -> LinkOffer.require(false, "a link message of an unknown type");
            }
        });
    }

    private void attempt(Runnable step) {
        try {
            step.run();
        } catch (TransferException e) {
            if (!link.ready().isDone()) {
                setup.exchange().send(LinkOffer.refuse(String.valueOf(e.getMessage())));
            }
            link.close(e);
        }
    }

    private void offered(LinkOffer theirs) {
        LinkOffer.require(!connecting && link.all().isEmpty(), "an unexpected offer");
        LinkOffer.require(theirs.lanes().size() == setup.lanes(), theirs.lanes().size() + " lanes");
        managed = theirs.managed();
        path.require(managed);
        var rails = path.rails();
        link.make(
                IntStream.range(0, setup.lanes())
                        .mapToObj(i -> nearest(rails, theirs.lanes().get(i).gid(), i))
                        .toList());
        peerEpoch = theirs.epoch();
        if (managed) {
            await(theirs);
        } else {
            join(theirs);
            tell(offer().encode(LinkOffer.ANSWER));
        }
    }

    /** Lets the other side come through the connection manager. */
    private void await(LinkOffer theirs) {
        for (var lane : link.all()) {
            lane.end().listen();
            lane.expect(theirs);
        }
        tell(offer().encode(LinkOffer.ANSWER));
        aside(() -> {
            for (var lane : link.all()) {
                accept(lane, theirs);
            }
        });
    }

    /**
     * Waits for a lane to be connected. The word that it is may be behind the peer's confirmation,
     * after which what goes wrong is the loss of the lane and no longer a failed connection.
     */
    private void accept(Lane lane, LinkOffer theirs) {
        try {
            lane.end().accept(theirs.lanes().get(lane.index()), epoch, deadlineNanos);
        } catch (TransferException e) {
            if (link.ready().state() != Future.State.SUCCESS) {
                throw e;
            }
            lane.failSoon(e);
        }
    }

    /** Does what blocks on a thread of its own. */
    private void aside(Runnable step) {
        Thread.ofPlatform()
                .daemon()
                .name("kvwire-rdma-connect-" + setup.peerName())
                .start(() -> attempt(step));
    }

    /**
     * {@return the rail whose address has most in common with the peer's; in turns among equals}
     */
    static Rail nearest(List<Rail> rails, Gid theirs, int turn) {
        Rail best = null;
        int most = -1;
        for (int i = 0; i < rails.size(); i++) {
            var rail = rails.get((turn + i) % rails.size());
            int common = rail.pick().gid().commonPrefix(theirs);
            if (common > most) {
                most = common;
                best = rail;
            }
        }
        return best;
    }

    private void answered(LinkOffer theirs) {
        LinkOffer.require(connecting && !link.ready().isDone(), "an unexpected answer");
        LinkOffer.require(theirs.lanes().size() == setup.lanes(), theirs.lanes().size() + " lanes");
        LinkOffer.require(theirs.managed() == managed, "an answer for another way to connect");
        peerEpoch = theirs.epoch();
        if (managed) {
            aside(() -> {
                for (var lane : link.all()) {
                    lane.connect(theirs.lanes().get(lane.index()), theirs, deadlineNanos);
                }
                confirm();
            });
        } else {
            join(theirs);
            confirm();
        }
    }

    private void confirm() {
        tell(LinkOffer.confirm(epoch));
        link.up();
    }

    private void confirmed(ByteBuffer in) {
        LinkOffer.require(!connecting && !link.all().isEmpty(), "an unexpected confirmation");
        LinkOffer.require(
                in.remaining() == Long.BYTES && in.getLong() == peerEpoch, "another epoch");
        link.up();
    }

    private void tell(byte[] message) {
        if (!setup.exchange().send(message)) {
            throw new TransferException(
                    ErrorCode.PEER_LOST, "the connection to '" + setup.peerName() + "' is gone");
        }
    }

    private LinkOffer offer() {
        var options = path.options();
        return new LinkOffer(
                epoch,
                options.messageBytes(),
                options.credits(),
                options.frames(),
                managed,
                link.all().stream().map(lane -> lane.end().told()).toList());
    }

    private void join(LinkOffer theirs) {
        for (var lane : link.all()) {
            lane.connect(theirs.lanes().get(lane.index()), theirs);
        }
    }

    /** Tells the other side that a lane goes down here. */
    void laneDown(int lane, TransferException why) {
        setup.exchange().send(LinkOffer.laneDown(epoch, lane, String.valueOf(why.getMessage())));
    }

    private void laneDown(ByteBuffer in) {
        LinkOffer.require(in.remaining() >= Long.BYTES + Short.BYTES, "a short message");
        LinkOffer.require(in.getLong() == peerEpoch, "another epoch");
        int index = Short.toUnsignedInt(in.getShort());
        LinkOffer.require(index < link.all().size(), "lane " + index);
        link.all()
                .get(index)
                .failSoon(
                        new TransferException(
                                ErrorCode.LANE_LOST,
                                "'" + setup.peerName() + "' lost the lane: " + LinkOffer.rest(in)));
    }
}
