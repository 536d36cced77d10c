package io.kvwire.harness.perf;

import io.kvwire.pcie.SharedArena;
import io.kvwire.transport.Access;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.HostArena;
import io.kvwire.transport.KvCache;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.PathReport;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferNode;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/**
 * The working set of one end: memory, the cache over it, and what must be in it. Each 8-byte word
 * of a source block depends on the block's place in the order of transfers and on its own place in
 * the block, so that a block in the wrong place, or a part of one, does not pass for right.
 */
final class PerfMemory implements AutoCloseable {
    private static final byte POISON = (byte) 0xEE;
    private static final long PAGE = 4096;

    private final PerfCase point;
    private final Arena arena;
    private final MemorySegment memory;
    private final KvCache cache;

    /** {@return an arena of the kind that suits a path best, or one that no peer can share} */
    static Arena arena(PathReport path, boolean privateMemory) {
        return path.path().equals("pcie") && !privateMemory
                ? SharedArena.openOrPrivate()
                : HostArena.open();
    }

    /** Takes the memory from an arena, which it closes. */
    PerfMemory(TransferNode node, String name, PerfCase point, Access access, Arena arena) {
        this.point = point;
        this.arena = arena;
        try {
            memory = arena.allocate(point.blocks() * point.blockBytes(), PAGE);
        } catch (OutOfMemoryError | TransferException e) {
            arena.close();
            throw new TransferException(
                    ErrorCode.RESOURCE_EXHAUSTED,
                    "no memory for a working set of "
                            + ByteSize.show(point.workingSetBytes())
                            + ": take a smaller one",
                    e);
        }
        var layout = point.layout();
        cache =
                node.register(
                        name,
                        layout,
                        List.of(LayerPlacement.dense(layout, memory, point.blocks())),
                        point.blocks(),
                        access);
    }

    KvCache cache() {
        return cache;
    }

    MemorySegment memory() {
        return memory;
    }

    private long word(long place, long index) {
        long mixed = (place << 32 ^ index) * 0x9E3779B97F4A7C15L;
        mixed ^= mixed >>> 29;
        return point.values() ? values(mixed) : mixed;
    }

    /** Four BF16 values about zero; each a sum of four nibbles, so near a normal distribution. */
    private static long values(long random) {
        long four = 0;
        for (int shift = 0; shift < Long.SIZE; shift += Short.SIZE) {
            long sum = 0;
            for (int nibble = shift; nibble < shift + Short.SIZE; nibble += 4) {
                sum += (random >>> nibble) & 0xF;
            }
            long bits = (Float.floatToRawIntBits((sum - 30) / 8f) >>> Short.SIZE) & 0xFFFFL;
            four |= bits << shift;
        }
        return four;
    }

    /** Fills the blocks of a source, in the order of transfers. */
    void fill() {
        int[] order = point.order(true);
        long words = point.blockBytes() / 8;
        for (int place = 0; place < order.length; place++) {
            long base = order[place] * point.blockBytes();
            for (long i = 0; i < words; i++) {
                memory.set(ValueLayout.JAVA_LONG, base + i * 8, word(place, i));
            }
        }
    }

    /** Overwrites a target, so that only what arrives from now on can be right. */
    void poison() {
        memory.fill(POISON);
    }

    /** Whether the first so many places of a target hold what the source has there. */
    boolean verify(long places) {
        int[] order = point.order(false);
        long words = point.blockBytes() / 8;
        for (int place = 0; place < Math.min(places, order.length); place++) {
            long base = order[place] * point.blockBytes();
            for (long i = 0; i < words; i++) {
                if (memory.get(ValueLayout.JAVA_LONG, base + i * 8) != word(place, i)) {
                    return false;
                }
            }
        }
        return true;
    }

    /** Withdraws the cache and frees the memory when nothing touches it any more. */
    @Override
    public void close() {
        cache.deregister().join();
        arena.close();
    }
}
