package io.kvwire.transport.core;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.LayoutPlan;
import io.kvwire.transport.PathReport;
import io.kvwire.transport.RemoteCache;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.LinkSetup;

import java.util.List;
import java.util.Map;

/**
 * How the two sides of a session get to know each other: hello, welcome, and the choice of path.
 */
final class Handshake {
    private final Session session;
    private final LocalNode node;
    private volatile int announcedId;

    Handshake(Session session, LocalNode node) {
        this.session = session;
        this.node = node;
    }

    /** Says hello; called on the side that connects. */
    void open() {
        session.send(
                own(
                                node.config().lanes(),
                                "",
                                node.paths().offers(),
                                node.paths().rejected(),
                                new byte[0],
                                Hello.Codecs.of(node.config().codec()))
                        .encode(ControlMessages.HELLO));
    }

    private Hello own(
            int lanes,
            String reason,
            List<Hello.Offer> paths,
            List<Hello.Refusal> rejected,
            byte[] token,
            Hello.Codecs codecs) {
        announcedId = node.registry().lastObjectId();
        return new Hello(
                node.name(),
                node.incarnation(),
                Hello.Bounds.of(node.config().limits()),
                lanes,
                node.config().requiredPath().orElse(""),
                paths,
                rejected,
                reason,
                token,
                codecs,
                node.registry().caches().stream().map(PagedCache::announcement).toList(),
                node.registry().regions().stream().map(MemoryRegion::announcement).toList());
    }

    /** Announces what was registered while the handshake was under way. */
    void announceLater() {
        node.registry().caches().stream()
                .filter(cache -> cache.id() > announcedId)
                .forEach(cache -> session.send(Hello.message(cache.announcement())));
        node.registry().regions().stream()
                .filter(region -> region.id() > announcedId)
                .forEach(region -> session.send(Hello.message(region.announcement())));
    }

    /** Answers a peer's hello: refuses it, or chooses a path and waits for the lanes. */
    void hello(Hello hello) {
        if (session.initiator() || session.remote().met()) {
            throw MessageReader.malformed("a second hello");
        }
        if (node.full()) {
            throw new TransferException(
                    ErrorCode.RESOURCE_EXHAUSTED,
                    "node '%s' has %d peers (maxPeers)"
                            .formatted(node.name(), node.config().limits().maxPeers()));
        }
        requireMappable(hello);
        var codec = Coding.agree(node, hello);
        session.meet(hello, codec);
        var choice = node.paths().choose(hello);
        int lanes = Math.min(hello.lanes(), node.config().lanes());
        byte[] token = node.randomToken(LinkSetup.TOKEN_BYTES);
        var lanesUp = choice.path().accept(setup(hello, token, lanes, choice.offer()), session);
        var path = choice.path();
        session.send(
                own(
                                lanes,
                                choice.reason(),
                                List.of(new Hello.Offer(path.name(), path.endpoint())),
                                choice.rejected(),
                                token,
                                new Hello.Codecs(
                                        List.of(codec.name()),
                                        node.config().codec().automatic(),
                                        node.config().codec().model()))
                        .encode(ControlMessages.WELCOME));
        session.linkUp()
                .linking(
                        report(path.name(), choice.reason(), lanes, codec, choice.rejected()),
                        lanesUp);
    }

    /** Goes on with the acceptor's choice: makes the lanes. */
    void welcome(Hello hello) {
        if (!session.initiator() || session.remote().met()) {
            throw MessageReader.malformed("an unexpected welcome");
        }
        requireMappable(hello);
        if (hello.codecs().names().size() != 1) {
            throw MessageReader.malformed("a welcome with codecs " + hello.codecs().names());
        }
        var codec = Coding.agree(node, hello);
        session.meet(hello, codec);
        if (hello.paths().size() != 1 || hello.token().length != LinkSetup.TOKEN_BYTES) {
            throw MessageReader.malformed("a welcome without path or token");
        }
        var offer = hello.paths().getFirst();
        var chosen = node.paths().named(offer.path());
        if (chosen == null) {
            throw MessageReader.malformed("path " + offer.path() + " was not offered");
        }
        session.linkUp()
                .linking(
                        report(
                                offer.path(),
                                hello.reason(),
                                hello.lanes(),
                                codec,
                                hello.rejected()),
                        chosen.connect(setup(hello, hello.token(), hello.lanes(), offer), session));
    }

    private LinkSetup setup(Hello peer, byte[] token, int lanes, Hello.Offer offer) {
        return new LinkSetup(
                peer.name(),
                token,
                lanes,
                offer.endpoint(),
                session.remoteHost(),
                session.linkMessages(),
                node.config().limits().handshakeTimeout().toNanos());
    }

    /** Refuses a peer whose caches have the names of ours and cannot be mapped onto them. */
    private void requireMappable(Hello hello) {
        for (var theirs : hello.caches()) {
            node.registry().caches().stream()
                    .filter(mine -> mine.name().equals(theirs.name()))
                    .forEach(mine -> requireMappable(mine, theirs, hello.name()));
        }
    }

    private void requireMappable(PagedCache mine, RemoteCache theirs, String peer) {
        try {
            LayoutPlan.requireMappable(mine.layout(), theirs.layout());
        } catch (TransferException e) {
            throw new TransferException(
                    e.code(),
                    "cache '%s' of '%s' (source) and of '%s' (target) cannot exchange blocks: %s"
                            .formatted(mine.name(), node.name(), peer, e.getMessage()),
                    e);
        }
    }

    private static PathReport report(
            String name,
            String reason,
            int lanes,
            Coding.Agreed codec,
            List<Hello.Refusal> rejected) {
        return new PathReport(
                name,
                reason,
                lanes,
                codec.name(),
                rejected.stream()
                        .map(refusal -> new PathReport.Rejected(refusal.path(), refusal.reason()))
                        .toList(),
                Map.of());
    }
}
