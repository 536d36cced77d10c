package io.kvwire.pcie.bounce;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.PagedSlab;
import io.kvwire.transport.spi.QuantisedRows;
import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Copies from the memory of one device to that of another which cannot reach it, as those of two
 * makers: in chunks through a ring in memory of the host that both drivers are told of, the
 * copy-out of one chunk overlapping the copy-in of the one before.
 *
 * <p>Between processes nothing of this is needed: the frames of a transfer go through staging in
 * the same manner, several at a time, on whatever wire there is.
 *
 * <p>Owns its memory and the thread that copies out; the devices are the caller's, and are closed
 * after this. Confined to one thread at a time: a second caller waits.
 *
 * <p>An error of either device ends the copy when nothing of it goes on any more; the target then
 * holds part of the bytes.
 *
 * {@snippet :
 * try (var ring = new BounceRing(cuda, xpu, BounceRing.CHUNK_BYTES)) {
 *     long bytes = ring.copy(sourceRuns, targetRuns);
 * }
 * }
 */
public final class BounceRing implements AutoCloseable {
    /**
     * Long enough that handing over a chunk, some microseconds, does not count; short enough that
     * two chunks stay in the caches of a host.
     */
    public static final long CHUNK_BYTES = 1 << 20;

    /** One that is filled, one that is emptied, and one that neither has to wait for. */
    private static final int SLOTS = 3;

    private static final long ALIGNMENT = 4096;

    private final DeviceMemory source;
    private final DeviceMemory target;
    private final long chunkBytes;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment ring;
    private final BlockingQueue<MemorySegment> free = new ArrayBlockingQueue<>(SLOTS);
    private final ExecutorService reader;
    private volatile boolean stopped;

    /** What the thread that copies out hands over: a full slot, or why there is no further one. */
    private sealed interface Handed {
        record Chunk(MemorySegment slot, long bytes) implements Handed {}

        record End() implements Handed {}

        record Failed(RuntimeException cause) implements Handed {}
    }

    /**
     * Makes a ring.
     *
     * @param source where bytes come from
     * @param target where they go
     * @param chunkBytes what is copied at a time, at least 1; see {@link #CHUNK_BYTES}
     */
    public BounceRing(DeviceMemory source, DeviceMemory target, long chunkBytes) {
        if (chunkBytes < 1) {
            throw new IllegalArgumentException("chunks of " + chunkBytes + " bytes");
        }
        this.source = source;
        this.target = target;
        this.chunkBytes = chunkBytes;
        long slotBytes = (chunkBytes + ALIGNMENT - 1) & -ALIGNMENT;
        ring = arena.allocate(SLOTS * slotBytes, ALIGNMENT);
        for (int i = 0; i < SLOTS; i++) {
            free.add(ring.asSlice(i * slotBytes, chunkBytes));
        }
        source.pin(ring);
        target.pin(ring);
        var name = "kvwire-bounce-" + source.device() + "-" + target.device();
        reader =
                Executors.newSingleThreadExecutor(
                        Thread.ofPlatform().name(name).daemon(true).factory());
    }

    /**
     * Copies runs to runs, and returns when all bytes are in place.
     *
     * @param from runs in the source's memory
     * @param to runs in the target's memory, of as many bytes together
     * @return the bytes
     * @throws TransferException with {@link ErrorCode#OUT_OF_RANGE} when the two are not equally
     *     long or a run is not all in its memory, and as the devices do
     */
    public long copy(RunCursor from, RunCursor to) {
        var out = new ChunkCursor(from);
        var in = new ChunkCursor(to);
        long bytes =
                run(
                        slot -> {
                            out.chunk(chunkBytes);
                            if (out.more()) {
                                source.gather(out, slot);
                            }
                            return out.walked();
                        },
                        chunk -> {
                            in.chunk(chunk.byteSize());
                            target.scatter(chunk, in);
                            if (in.walked() != chunk.byteSize()) {
                                throw unequal("fewer");
                            }
                        });
        if (in.more()) {
            throw unequal("more");
        }
        return bytes;
    }

    /**
     * Copies values as INT8 codes, which the source's device makes and the target's device uses:
     * between the devices goes about half of BF16's bytes, and both gather and scatter are part of
     * the coding.
     *
     * @param from where the values lie
     * @param to where they belong; the same slab
     * @return the bytes that went through the ring
     * @throws TransferException with {@link ErrorCode#PATH_UNAVAILABLE} when a device does not code
     *     by itself, {@link ErrorCode#OUT_OF_RANGE} when the slabs differ or a token's codes are
     *     longer than a chunk, and as {@link QuantisedRows} does
     */
    public long copyQuantised(PagedSlab from, PagedSlab to) {
        var quantises = coding(source);
        var dequantises = coding(target);
        if (!from.slab().equals(to.slab())) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE, "source and target name different slabs");
        }
        var out = new SlabParts(from, chunkBytes);
        var in = new SlabParts(to, chunkBytes);
        return run(
                slot -> out.next() ? quantises.quantise(out.part(), slot) : 0,
                chunk -> {
                    in.next();
                    dequantises.dequantise(chunk, in.part());
                });
    }

    private static QuantisedRows coding(DeviceMemory device) {
        return device.quantisedRows()
                .orElseThrow(() ->
                        new TransferException(
                                ErrorCode.PATH_UNAVAILABLE,
                                device.device() + " makes no codes by itself: copy without"));
    }

    /** Fills a slot and gives the bytes; 0 when there are no more. */
    private interface Filling {
        long fill(MemorySegment slot);
    }

    /** Takes what a slot was filled with. */
    private interface Emptying {
        void empty(MemorySegment chunk);
    }

    private synchronized long run(Filling out, Emptying in) {
        stopped = false;
        var full = new ArrayBlockingQueue<Handed>(SLOTS + 1);
        reader.execute(() -> copyOut(out, full));
        RuntimeException failure = null;
        long bytes = 0;
        while (true) {
            switch (await(full)) {
                case Handed.Chunk chunk -> {
                    if (failure == null) {
                        failure = copyIn(chunk, in);
                        bytes += chunk.bytes();
                    }
                    // After a failure slots go round until the other side has ended, too.
                    stopped = failure != null;
                    free.add(chunk.slot());
                }
                case Handed.Failed failed -> throw failure == null ? failed.cause() : failure;
                case Handed.End _ -> {
                    if (failure != null) {
                        throw failure;
                    }
                    return bytes;
                }
            }
        }
    }

    private void copyOut(Filling out, BlockingQueue<Handed> full) {
        try {
            while (!stopped) {
                var slot = await(free);
                long bytes = 0;
                try {
                    bytes = out.fill(slot);
                } finally {
                    if (bytes == 0) {
                        free.add(slot);
                    }
                }
                if (bytes == 0) {
                    break;
                }
                full.add(new Handed.Chunk(slot, bytes));
            }
            full.add(new Handed.End());
        } catch (RuntimeException e) {
            full.add(new Handed.Failed(e));
        }
    }

    /** Gives what went wrong, or null. */
    private static RuntimeException copyIn(Handed.Chunk chunk, Emptying in) {
        try {
            in.empty(chunk.slot().asSlice(0, chunk.bytes()));
            return null;
        } catch (RuntimeException e) {
            return e;
        }
    }

    private static TransferException unequal(String what) {
        return new TransferException(
                ErrorCode.OUT_OF_RANGE,
                "the target's runs hold " + what + " bytes than the source's");
    }

    /** Waits without being interrupted: a device may be writing to what the caller would free. */
    private static <T> T await(BlockingQueue<T> queue) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return queue.take();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Ends the thread and frees the ring. */
    @Override
    public synchronized void close() {
        reader.close();
        source.unpin(ring);
        target.unpin(ring);
        arena.close();
    }
}
