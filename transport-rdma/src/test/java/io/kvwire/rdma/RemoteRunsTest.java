package io.kvwire.rdma;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.Test;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Pieces become few entries, and the same pieces come out at the other end. */
class RemoteRunsTest {
    private static final int KEY = 7;

    private final RemoteRuns runs = new RemoteRuns();

    private static ByteBuffer buffer() {
        return ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
    }

    @Test
    void neighboursBecomeOnePieceAndEqualDistancesOneEntry() {
        runs.clear();
        for (int i = 0; i < 4; i++) {
            assertTrue(runs.add(1000 + 10L * i, 10, KEY, 1));
        }
        assertEquals(1, runs.runs());
        runs.clear();
        for (int i = 0; i < 100; i++) {
            assertTrue(runs.add(1000 + 64L * i, 10, KEY, 1));
        }
        assertEquals(1, runs.size());
        assertEquals(100, runs.runs());
        assertFalse(runs.add(5, 10, KEY, 1), "no room for another entry");
    }

    @Test
    void thePeerWalksTheSameBytes() {
        var random = new Random(42);
        for (int round = 0; round < 200; round++) {
            runs.clear();
            var expected = new ArrayList<Long>();
            long total = 0;
            for (int i = 0; i < 40; i++) {
                long address = random.nextInt(20) * 16L;
                long bytes = 8L * (1 + random.nextInt(2));
                int key = random.nextInt(2);
                assertTrue(runs.add(address, bytes, key, Integer.MAX_VALUE));
                for (long at = 0; at < bytes; at++) {
                    expected.add((address + at) << 1 | key);
                }
                total += bytes;
            }
            var out = buffer();
            runs.encode(out);
            var there = new RemoteRuns();
            there.decode(out.flip(), runs.size(), total);
            assertEquals(expected, walk(there));
        }
    }

    private static List<Long> walk(RemoteRuns runs) {
        var bytes = new ArrayList<Long>();
        while (runs.next()) {
            for (int at = 0; at < runs.length(); at++) {
                bytes.add((runs.address() + at) << 1 | runs.key());
            }
        }
        return bytes;
    }

    @Test
    void entriesThatDoNotAddUpAreRefused() {
        runs.clear();
        runs.add(0, 100, KEY, 1);
        var out = buffer();
        runs.encode(out);
        out.flip();
        for (long expected : new long[] {0, 99, 101, Long.MAX_VALUE}) {
            var refusal =
                    assertThrows(
                            TransferException.class,
                            () ->
                                    new RemoteRuns()
                                            .decode(
                                                    out.duplicate().order(ByteOrder.LITTLE_ENDIAN),
                                                    1,
                                                    expected));
            assertEquals(ErrorCode.MALFORMED, refusal.code());
        }
    }
}
