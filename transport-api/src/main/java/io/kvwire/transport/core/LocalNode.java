package io.kvwire.transport.core;

import io.kvwire.transport.Access;
import io.kvwire.transport.BlockTable;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvCache;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvReception;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.MetricsSnapshot;
import io.kvwire.transport.NodeAddress;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.NodeListener;
import io.kvwire.transport.Peer;
import io.kvwire.transport.Region;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferNode;
import io.kvwire.transport.spi.ControlChannel;
import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.Wires;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/** The node of this process: what is registered, who is connected, and the threads they share. */
public final class LocalNode implements TransferNode {
    private static final System.Logger LOG = System.getLogger("io.kvwire.transport");

    private static final int CLOSE_WAIT_SECONDS = 2;

    final Metrics metrics = new Metrics();
    final Leases leases = new Leases(this);
    final ScheduledThreadPoolExecutor timer;
    private final ExecutorService gatherer;
    private final NodeConfig config;
    private final SecureRandom random = new SecureRandom();
    private final long incarnation = randomId();
    private final Coders coders;
    private final Paths paths;
    private final ControlChannel channel;
    private final Registry registry = new Registry(this, this::announce);
    private final Map<Long, Reception> receptions = new ConcurrentHashMap<>();
    private final Set<Session> sessions = ConcurrentHashMap.newKeySet();
    private final AtomicBoolean closed = new AtomicBoolean();

    private LocalNode(NodeConfig config, Wires wires) {
        this.config = config;
        timer = new ScheduledThreadPoolExecutor(1, task -> thread(task, "timer"));
        timer.setRemoveOnCancelPolicy(true);
        gatherer =
                new ThreadPoolExecutor(
                        0,
                        1,
                        5,
                        TimeUnit.SECONDS,
                        new LinkedBlockingQueue<>(),
                        task -> thread(task, "gather"));
        try {
            coders = new Coders(config, wires.codecs());
        } catch (RuntimeException e) {
            timer.shutdownNow();
            throw e;
        }
        try {
            paths = Paths.open(config, wires);
        } catch (RuntimeException e) {
            coders.close();
            timer.shutdownNow();
            throw e;
        }
        try {
            channel = openChannel(wires);
        } catch (RuntimeException e) {
            paths.close();
            coders.close();
            timer.shutdownNow();
            throw e;
        }
    }

    /**
     * {@return a started node}
     *
     * @param config of the node
     * @param wires to choose from
     */
    public static TransferNode start(NodeConfig config, Wires wires) {
        return new LocalNode(config, wires);
    }

    private ControlChannel openChannel(Wires wires) {
        var provider =
                wires.channels().stream()
                        .filter(candidate -> candidate.serves(config))
                        .findFirst()
                        .orElseThrow(() ->
                                new TransferException(
                                        ErrorCode.PATH_UNAVAILABLE,
                                        "no control channel was found: put transport-tcp on the"
                                                + " module path"));
        return provider.open(
                config,
                link -> {
                    var session = Session.accepted(this, link);
                    sessions.add(session);
                    return session;
                });
    }

    private Thread thread(Runnable task, String job) {
        var thread = new Thread(task, "kvwire-" + config.name() + "-" + job);
        thread.setDaemon(true);
        return thread;
    }

    NodeConfig config() {
        return config;
    }

    Coders coders() {
        return coders;
    }

    Paths paths() {
        return paths;
    }

    /** A random number above 0. */
    long randomId() {
        return Math.max(1, random.nextLong() >>> 1);
    }

    int randomGeneration() {
        return random.nextInt();
    }

    byte[] randomToken(int bytes) {
        byte[] token = new byte[bytes];
        random.nextBytes(token);
        return token;
    }

    /** Runs a task later; after the node was closed, never. */
    Future<?> after(long nanos, Runnable task) {
        try {
            return timer.schedule(task, nanos, TimeUnit.NANOSECONDS);
        } catch (RejectedExecutionException e) {
            return CompletableFuture.completedFuture(null);
        }
    }

    /** Runs work that copies much away from the wire's threads. */
    void gather(Runnable work) {
        try {
            gatherer.execute(work);
        } catch (RejectedExecutionException e) {
            LOG.log(System.Logger.Level.DEBUG, "node closed with frames to cut", e);
        }
    }

    /** Calls the listener; what it throws is logged. */
    void tell(Consumer<NodeListener> call) {
        try {
            call.accept(config.listener());
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.ERROR, "the listener of node '" + name() + "' failed", e);
        }
    }

    /** What is registered. */
    Registry registry() {
        return registry;
    }

    /** The reception of a request, or null. */
    Reception reception(long requestId) {
        return receptions.get(requestId);
    }

    void forget(Reception reception) {
        receptions.remove(reception.requestId(), reception);
    }

    void forget(Session session) {
        sessions.remove(session);
    }

    boolean full() {
        return sessions.size() > config.limits().maxPeers();
    }

    private void announce(ByteBuffer message) {
        sessions.stream().filter(Session::connected).forEach(session -> session.send(message));
    }

    void requireOpen() {
        if (closed.get()) {
            throw new TransferException(ErrorCode.CLOSED, "node '" + name() + "' is closed");
        }
    }

    @Override
    public KvCache register(
            String name,
            KvLayout layout,
            List<LayerPlacement> placement,
            int blocks,
            Access access) {
        return registry.register(
                new Registry.What(name, layout, placement, blocks, access, Optional.empty()));
    }

    @Override
    public KvCache register(
            String name,
            KvLayout layout,
            List<LayerPlacement> placement,
            int blocks,
            Access access,
            DeviceMemory device) {
        return registry.register(
                new Registry.What(name, layout, placement, blocks, access, Optional.of(device)));
    }

    @Override
    public Region register(MemorySegment segment, Access access) {
        return registry.register(segment, access);
    }

    /** Ends the transfers that use memory which was withdrawn. */
    void endUsersOf(Object memory) {
        var reason =
                new TransferException(
                        ErrorCode.STALE,
                        memory + " of '" + name() + "' was withdrawn by its owner");
        sessions.forEach(session -> session.withdrawn(memory, reason));
    }

    @Override
    public String name() {
        return config.name();
    }

    @Override
    public long incarnation() {
        return incarnation;
    }

    @Override
    public NodeAddress address() {
        return channel.address()
                .orElseThrow(() ->
                        new TransferException(
                                ErrorCode.CLOSED, "node '" + name() + "' does not listen"));
    }

    @Override
    public CompletableFuture<Peer> connect(NodeAddress address) {
        requireOpen();
        var session = Session.connecting(this, address);
        sessions.add(session);
        var _ = channel.connect(address, session).whenComplete(session::controlOpened);
        return session.established();
    }

    @Override
    public Collection<Peer> peers() {
        return sessions.stream().filter(Session::connected).<Peer>map(Session::peer).toList();
    }

    @Override
    public KvReception expect(
            long requestId, KvCache cache, BlockTable table, int firstToken, int tokens) {
        var range = new TokenRange(firstToken, tokens);
        if (!(cache instanceof PagedCache own) || !registry.caches().contains(own)) {
            throw new TransferException(
                    ErrorCode.UNKNOWN_REGION,
                    cache + " is not registered with node '" + name() + "'");
        }
        if (table.size() < cache.layout().blocksFor(range.end())) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    "a table of "
                            + table.size()
                            + " blocks is too short for "
                            + range.end()
                            + " tokens");
        }
        var reception = new Reception(this, requestId, own, table, range);
        if (tokens > 0 && receptions.putIfAbsent(requestId, reception) != null) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE, "request " + requestId + " is expected already");
        }
        return reception;
    }

    @Override
    public MetricsSnapshot metrics() {
        return metrics.snapshot(
                leases.count(),
                sessions.stream().mapToInt(session -> session.lendings.count()).sum(),
                (int) sessions.stream().filter(Session::connected).count());
    }

    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        var reason = new TransferException(ErrorCode.CLOSED, "node '" + name() + "' was closed");
        sessions.forEach(session -> session.shut(reason));
        receptions.values().forEach(reception -> reception.fail(reason));
        leases.endAll();
        channel.close();
        paths.close();
        coders.close();
        timer.shutdownNow();
        gatherer.shutdown();
        await(timer);
        await(gatherer);
    }

    private static void await(ExecutorService threads) {
        try {
            // One of the threads may itself be the caller, so this wait is bounded.
            if (!threads.awaitTermination(CLOSE_WAIT_SECONDS, TimeUnit.SECONDS)) {
                LOG.log(System.Logger.Level.WARNING, "a thread of a closed node still runs");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public String toString() {
        return "node '" + name() + "'";
    }
}
