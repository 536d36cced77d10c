package io.kvwire.transport.core;

import io.kvwire.transport.PathReport;
import io.kvwire.transport.RemoteCache;
import io.kvwire.transport.RemoteRegion;
import io.kvwire.transport.spi.DataLink;

import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What a session knows of its peer: what it has said in its hello and announced since, what the two
 * have agreed on, and how it is reached. Known once the peer has said hello; thread-safe.
 */
final class RemoteSide {
    /** A receiver confirms bytes when this share of the window has come. */
    private static final int REPORTS_PER_WINDOW = 8;

    final Map<Integer, RemoteCache> caches = new ConcurrentHashMap<>();
    final Map<Integer, RemoteRegion> regions = new ConcurrentHashMap<>();
    private final String target;
    private volatile Hello hello;
    private volatile Hello.Bounds bounds;
    private volatile PathReport path;
    private volatile Optional<DataLink> link = Optional.empty();

    /** Knows nothing but where the peer was looked for. */
    RemoteSide(String target) {
        this.target = target;
    }

    /** Takes what the peer has said, and what this side takes in. */
    void met(Hello said, Hello.Bounds own) {
        bounds = own.and(said.bounds());
        said.caches().forEach(cache -> caches.put(cache.id(), cache));
        said.regions().forEach(region -> regions.put(region.id(), region));
        hello = said;
    }

    /** Whether the peer has said who it is. */
    boolean met() {
        return hello != null;
    }

    /** Its name, or where it was looked for as long as it has not told. */
    String name() {
        var said = hello;
        return said == null ? target : said.name();
    }

    String target() {
        return target;
    }

    long incarnation() {
        return hello.incarnation();
    }

    /** Whether it chooses between codec and raw by measured rates. */
    boolean automatic() {
        return hello.codecs().automatic();
    }

    /** What both sides take in. */
    Hello.Bounds bounds() {
        return bounds;
    }

    /** Unconfirmed bytes that a sender may be left with; it must always have room for a frame. */
    long reportEveryBytes() {
        long beside = Math.max(0, bounds.windowBytes() - bounds.frameBytes());
        return Math.min(bounds.windowBytes() / REPORTS_PER_WINDOW, beside);
    }

    void reachedBy(PathReport chosen) {
        path = chosen;
    }

    /** The link is up: from now on it says itself how it does. */
    void reachedBy(DataLink made) {
        path =
                new PathReport(
                        path.path(),
                        path.reason(),
                        path.lanes(),
                        path.codec(),
                        path.rejected(),
                        made.details());
        link = Optional.of(made);
    }

    /** How it is reached and why, as it was chosen; null before that. */
    PathReport path() {
        return path;
    }

    /** How it is reached and why, with what is measured by now; null before that is chosen. */
    PathReport path(Session session) {
        var chosen = path;
        if (chosen == null) {
            return chosen;
        }
        var details =
                new TreeMap<>(
                        link.filter(_ -> session.connected())
                                .map(DataLink::details)
                                .orElseGet(chosen::details));
        var coding = session.coding();
        if (coding.active()) {
            details.put("codec", coding.describe());
            DeviceCoding.describe(coding, session.node().registry().caches())
                    .ifPresent(text -> details.put("codecDevices", text));
        }
        for (var cache : session.node().registry().caches()) {
            if (cache.device().isPresent()) {
                details.put("cache " + cache.name(), cache.reaches().describe(chosen.path()));
            }
        }
        if (coding.rates().wanted()) {
            details.put("link", coding.rates().link.describe());
        }
        coding.rates().pace().ifPresent(pace -> details.put("pace", pace));
        return new PathReport(
                chosen.path(),
                chosen.reason(),
                chosen.lanes(),
                chosen.codec(),
                chosen.rejected(),
                details);
    }
}
