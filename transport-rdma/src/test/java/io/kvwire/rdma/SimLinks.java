package io.kvwire.rdma;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DataLink;
import io.kvwire.transport.spi.InboundFrame;
import io.kvwire.transport.spi.LinkExchange;
import io.kvwire.transport.spi.LinkHandler;
import io.kvwire.transport.spi.LinkSetup;
import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * Two ends of an RDMA link on a simulated network, without threads: what happens next is drawn from
 * a seed, among the steps of the network, of the two pollers and of the control channel. Frame
 * {@code i} goes from slice {@code i} of the near memory to slice {@code i} of the far memory.
 */
final class SimLinks implements AutoCloseable {
    private static final int MOST_STEPS = 2_000_000;
    private static final long LEAST_NANOS = TimeUnit.SECONDS.toNanos(20);

    final Random random;
    final SimFabric fabric;
    final RdmaDataPath nearPath;
    final RdmaDataPath farPath;
    final MemorySegment source;
    final MemorySegment target;
    final Receiver far = new Receiver();
    final Receiver near = new Receiver();
    final List<SimFrame> sent = new ArrayList<>();
    private final Arena arena = Arena.ofShared();
    private final ArrayDeque<Runnable> messages = new ArrayDeque<>();
    private final int frameBytes;
    private final CompletableFuture<DataLink> ready;
    private final CompletableFuture<DataLink> accepted;

    SimLinks(SimFabric fabric, long seed, int frames, int frameBytes, Map<String, String> options) {
        this.fabric = fabric;
        this.frameBytes = frameBytes;
        random = new Random(seed);
        source = arena.allocate((long) frames * frameBytes, 4096);
        target = arena.allocate((long) frames * frameBytes, 4096);
        for (long i = 0; i < source.byteSize(); i++) {
            source.set(ValueLayout.JAVA_BYTE, i, (byte) (1 + (i * 31 + i / 4093) % 127));
        }
        nearPath = path("near", options);
        farPath = path("far", options);
        var one = new Wire();
        var two = new Wire();
        one.other = two;
        two.other = one;
        accepted = farPath.accept(setup("near", two), far);
        ready = nearPath.connect(setup("far", one), near);
    }

    private RdmaDataPath path(String name, Map<String, String> options) {
        var all = new HashMap<>(options);
        all.putIfAbsent("rdma.threads", "1");
        all.putIfAbsent("rdma.drainMillis", "3600000");
        var config = NodeConfig.named(name).withWireOptions(all);
        var parsed = RdmaOptions.of(config);
        var verbs = fabric.verbs(1);
        return new RdmaDataPath(config, parsed, verbs, RailChoice.of(verbs.ports(), parsed));
    }

    private static LinkSetup setup(String peer, LinkExchange exchange) {
        return new LinkSetup(
                peer,
                new byte[LinkSetup.TOKEN_BYTES],
                2,
                new byte[] {1},
                "",
                exchange,
                TimeUnit.HOURS.toNanos(1));
    }

    /** One direction's end of the control channel, which delivers when it is its turn. */
    private final class Wire implements LinkExchange {
        private Wire other;
        private Consumer<byte[]> receiver = message -> {};

        @Override
        public boolean send(byte[] message) {
            synchronized (messages) {
                messages.add(() -> other.receiver.accept(message));
            }
            return true;
        }

        @Override
        public void receive(Consumer<byte[]> takes) {
            receiver = takes;
        }
    }

    RdmaLink nearLink() {
        return (RdmaLink) ready.join();
    }

    RdmaLink farLink() {
        return (RdmaLink) accepted.join();
    }

    SimLinks connected() {
        until("both ends are up", () -> ready.isDone() && accepted.isDone());
        return this;
    }

    /** The simulated queue pair of a lane of the near end. */
    SimQueuePair nearPair(int lane) {
        return fabric.pair(nearLink().all().get(lane).queuePair());
    }

    /** Queues a frame for each slice. */
    void sendAll() {
        int count = (int) (source.byteSize() / frameBytes);
        for (int i = 0; i < count; i++) {
            send(i);
        }
    }

    void send(int slice) {
        var frame = new SimFrame(slice, source, (long) slice * frameBytes, frameBytes);
        sent.add(frame);
        nearLink().send(frame);
    }

    /** Takes one step, chosen at random; returns whether anything happened. */
    boolean step() {
        return switch (random.nextInt(4)) {
            case 0 -> fabric.step();
            case 1 -> poller(nearPath).work() > 0;
            case 2 -> poller(farPath).work() > 0;
            default -> deliver();
        };
    }

    static Poller poller(RdmaDataPath path) {
        return path.rails().getFirst().pollers().getFirst();
    }

    private boolean deliver() {
        Runnable next;
        synchronized (messages) {
            next = messages.poll();
        }
        if (next != null) {
            next.run();
        }
        return next != null;
    }

    void steps(int count) {
        for (int i = 0; i < count; i++) {
            step();
        }
    }

    void until(String what, BooleanSupplier done) {
        // Steps are what counts, but a poller looks after its lanes by the clock.
        long least = System.nanoTime() + LEAST_NANOS;
        for (int i = 0; i < MOST_STEPS || System.nanoTime() - least < 0; i++) {
            if (done.getAsBoolean()) {
                return;
            }
            step();
        }
        throw new AssertionError("not after " + MOST_STEPS + " steps and a while: " + what);
    }

    /** Until then the near end stands still. */
    void untilWithoutNear(String what, BooleanSupplier done) {
        long end = System.nanoTime() + LEAST_NANOS;
        while (!done.getAsBoolean()) {
            fabric.step();
            poller(farPath).work();
            deliver();
            if (System.nanoTime() - end > 0) {
                throw new AssertionError("not after a while: " + what);
            }
        }
    }

    boolean allOver() {
        return sent.stream().allMatch(frame -> frame.releases == 1);
    }

    /** Ends the links and gives everything back. */
    @Override
    public void close() {
        fabric.hold(false);
        var reason = new TransferException(ErrorCode.CLOSED, "the test is over");
        var links = List.of(nearLink(), farLink());
        links.forEach(link -> link.close(reason));
        until(
                "the links are gone",
                () -> links.stream().allMatch(link -> link.finished().isDone()));
        nearPath.close();
        farPath.close();
        arena.close();
    }

    /** What the other end has been given. */
    final class Receiver implements LinkHandler {
        final List<Integer> completed = new ArrayList<>();
        final List<Integer> aborted = new ArrayList<>();
        final List<Integer> lost = new ArrayList<>();
        final List<TransferException> ends = new ArrayList<>();

        /** Slices whose target is wanted back. */
        final Set<Integer> revoked = new HashSet<>();

        @Override
        public InboundFrame begin(ByteBuffer header, long payloadBytes) {
            return new Arriving(header.order(ByteOrder.LITTLE_ENDIAN).getInt(header.position()));
        }

        @Override
        public void laneLost(int lane, TransferException reason) {
            lost.add(lane);
        }

        @Override
        public void closed(TransferException reason) {
            ends.add(reason);
        }

        /** A frame on its way to its slice of the target. */
        private final class Arriving implements InboundFrame {
            private final int slice;

            Arriving(int slice) {
                this.slice = slice;
            }

            @Override
            public RunCursor target() {
                return SimFrame.runs(target, (long) slice * frameBytes, frameBytes);
            }

            @Override
            public boolean revoked() {
                return revoked.contains(slice);
            }

            @Override
            public void complete(long copiedBytes, long scatterNanos) {
                long from = (long) slice * frameBytes;
                long wrong =
                        MemorySegment.mismatch(
                                source, from, from + frameBytes, target, from, from + frameBytes);
                if (wrong >= 0) {
                    throw new AssertionError(
                            "frame " + slice + " is published and byte " + wrong + " not there");
                }
                completed.add(slice);
            }

            @Override
            public void abort() {
                aborted.add(slice);
            }
        }
    }
}
