package io.kvwire.bench;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;

import io.kvwire.pcie.SharedArena;

import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.management.ManagementFactory;
import java.util.Optional;

/** What a transfer allocates, at both ends and on all threads, whatever its size. */
@Timeout(120)
class AllocationTest {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final int WARM_UP = 1_000;
    private static final int COUNTED = 100;
    private static final int SERIES = 5;
    private static final int MANY_BLOCKS = 4096;

    /** What one transfer may allocate: its objects at both ends, their messages and its future. */
    private static final long MOST_BYTES = 16 << 10;

    /** What 1 MiB instead of 4 KiB may add: nothing that follows the bytes. */
    private static final long MOST_GROWTH_BYTES = 8 << 10;

    /** What each further block may add: less than one int, since only frames cost a little. */
    private static final int MOST_BYTES_PER_BLOCK = 4;

    @ParameterizedTest
    @ValueSource(strings = {"tcp", "pcie", "memory"})
    void aTransferAllocatesNothingForABlock(String wire) {
        requireWire(wire);
        long one = bytesPerWrite(wire, 1, 4096);
        long many = bytesPerWrite(wire, MANY_BLOCKS, 4096);
        var figures = one + " bytes for 1 block, " + many + " for " + MANY_BLOCKS;
        assertTrue(one <= MOST_BYTES, figures);
        assertTrue(many - one < MANY_BLOCKS * MOST_BYTES_PER_BLOCK, figures);
    }

    @ParameterizedTest
    @ValueSource(strings = {"tcp", "pcie", "memory"})
    void aTransferAllocatesNoMoreForMoreBytes(String wire) {
        requireWire(wire);
        long small = bytesPerWrite(wire, 1, 4096);
        long large = bytesPerWrite(wire, 1, 1 << 20);
        var figures = small + " bytes for 4 KiB, " + large + " for 1 MiB";
        assertTrue(large - small <= MOST_GROWTH_BYTES, figures);
    }

    private static void requireWire(String wire) {
        var why = wire.equals("pcie") ? SharedArena.unavailable() : Optional.<String>empty();
        assumeTrue(why.isEmpty(), why::get);
    }

    /** The least of several series, since other threads of the JVM allocate as they please. */
    private static long bytesPerWrite(String wire, int blocks, int blockBytes) {
        try (var pair = new LoopbackPair(wire, blocks, blockBytes)) {
            write(pair, blocks == 1 ? WARM_UP : COUNTED);
            long least = Long.MAX_VALUE;
            for (int series = 0; series < SERIES; series++) {
                long before = THREADS.getTotalThreadAllocatedBytes();
                write(pair, COUNTED);
                least = Math.min(least, THREADS.getTotalThreadAllocatedBytes() - before);
            }
            assertTrue(pair.arrived(), "the target holds wrong bytes");
            return least / COUNTED;
        }
    }

    private static void write(LoopbackPair pair, int times) {
        for (int i = 0; i < times; i++) {
            pair.write();
        }
    }
}
