package io.kvwire.rdma;

import io.kvwire.transport.NodeConfig;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.concurrent.Phaser;

/**
 * Writes a few bytes there and back between two queue pairs of one device, as {@code ib_write_lat}
 * does: each end looks at its memory until the other's write has come, and then writes. Posting and
 * polling are those of the wire. Run by {@code transport-rdma/rig/perf.py}; prints the median of
 * half a round trip in microseconds.
 */
final class WriteLatency {
    private static final int DEPTH = 128;
    private static final int SIGNAL_EVERY = 32;
    private static final int FIRST_PACKET = 77;
    private static final int MEMORY_BYTES = 4096;

    private WriteLatency() {}

    /**
     * Measures.
     *
     * @param args the provider, the bytes of a write, how many round trips
     */
    public static void main(String[] args) throws InterruptedException {
        var provider = args[0];
        int bytes = Integer.parseInt(args[1]);
        int rounds = Integer.parseInt(args[2]);
        var verbs =
                switch (provider) {
                    case "panama" -> NativeVerbs.panama();
                    case "disni" -> NativeVerbs.disni();
                    default ->
                            throw new IllegalArgumentException(
                                    "no latency of provider " + provider + ": panama or disni");
                };
        var options = RdmaOptions.of(NodeConfig.named("latency"));
        var pick = RailChoice.of(verbs.ports(), options).rails().getFirst();
        try (var near = new End(verbs, pick, bytes);
                var far = new End(verbs, pick, bytes)) {
            near.connect(far);
            far.connect(near);
            var start = new Phaser(2);
            var echo =
                    Thread.ofPlatform()
                            .start(() -> {
                                start.arriveAndAwaitAdvance();
                                for (int i = 1; i <= rounds; i++) {
                                    far.awaitByte((byte) i);
                                    far.write((byte) i);
                                }
                            });
            var nanos = new long[rounds];
            start.arriveAndAwaitAdvance();
            for (int i = 1; i <= rounds; i++) {
                long began = System.nanoTime();
                near.write((byte) i);
                near.awaitByte((byte) i);
                nanos[i - 1] = System.nanoTime() - began;
            }
            echo.join();
            // The first half is for the compiler.
            var settled = Arrays.copyOfRange(nanos, rounds / 2, rounds);
            Arrays.sort(settled);
            System.out.println("half a round trip, us: " + settled[settled.length / 2] / 2000.0);
        }
    }

    /** A queue pair with a piece of memory to write from, and one that is written to. */
    private static final class End implements AutoCloseable {
        private final Arena arena = Arena.ofShared();
        private final MemorySegment memory = arena.allocate(MEMORY_BYTES, MEMORY_BYTES);
        private final VerbsDevice device;
        private final MemoryKeys keys;
        private final CompletionQueue completions;
        private final ReceiveQueue receives;
        private final QueuePair pair;
        private final RailChoice.Pick pick;
        private final Completions batch = new Completions(DEPTH);
        private final int bytes;
        private final int flags;
        private long peerAddress;
        private int peerKey;
        private long posted;
        private long done;

        End(Verbs verbs, RailChoice.Pick pick, int bytes) {
            this.pick = pick;
            this.bytes = bytes;
            device = verbs.open(pick.port().device());
            keys =
                    device.register(
                            memory.address(),
                            MEMORY_BYTES,
                            MemoryAccess.LOCAL_WRITE | MemoryAccess.REMOTE_WRITE);
            completions = device.completionQueue(DEPTH);
            receives = device.receiveQueue(DEPTH);
            int mtu = pick.port().activeMtuBytes();
            var spec =
                    new QueueSpec(
                            DEPTH,
                            1,
                            bytes,
                            pick.gid(),
                            FIRST_PACKET,
                            mtu,
                            1,
                            14,
                            6,
                            7,
                            12,
                            0,
                            0,
                            64,
                            DEPTH);
            pair = device.queuePair(pick.port(), completions, receives, spec);
            flags = bytes <= pair.inlineBytes() ? QueuePair.INLINE : 0;
        }

        void connect(End other) {
            var port = pick.port();
            int mtu = port.activeMtuBytes();
            pair.connect(
                    new RemoteEnd(
                            other.pair.number(), FIRST_PACKET, pick.gid(), port.lid(), mtu, 1, 0));
            peerAddress = other.memory.address() + MEMORY_BYTES / 2;
            peerKey = other.keys.remoteKey();
        }

        void write(byte value) {
            memory.set(ValueLayout.JAVA_BYTE, bytes - 1L, value);
            boolean signal = posted % SIGNAL_EVERY == 0;
            pair.add(QueuePair.WRITE, signal ? flags | QueuePair.SIGNALED : flags, posted);
            pair.remote(peerAddress, peerKey);
            pair.gather(memory.address(), bytes, keys.localKey());
            pair.post();
            posted++;
            while (posted - done > DEPTH - SIGNAL_EVERY) {
                reap();
            }
        }

        private void reap() {
            int count = completions.poll(batch);
            for (int i = 0; i < count; i++) {
                if (batch.status[i] != Completions.SUCCESS) {
                    throw new AssertionError(Completions.text(batch.status[i]));
                }
                done = batch.id[i] + 1;
            }
        }

        /** Looks until the last byte of a write has come; it stands for all before it. */
        void awaitByte(byte value) {
            long at = MEMORY_BYTES / 2 + bytes - 1L;
            while (memory.get(ValueLayout.JAVA_BYTE, at) != value) {
                VarHandle.acquireFence();
                Thread.onSpinWait();
            }
        }

        @Override
        public void close() {
            pair.close();
            completions.close();
            receives.close();
            keys.close();
            device.close();
            arena.close();
        }
    }
}
