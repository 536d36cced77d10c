package io.kvwire.ffi.kernels;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;

/** The table of runs that the kernels of {@code kv_runs.h} read. Stateless. */
public final class KvRuns {
    /** The most bytes of one run: longer ones are cut, so that they keep several groups busy. */
    public static final int MOST_BYTES = 16 << 10;

    /** The struct {@code KvRun}. */
    public static final StructLayout LAYOUT =
            CStruct.of(
                    "KvRun",
                    JAVA_LONG.withName("memory"),
                    JAVA_LONG.withName("dense"),
                    JAVA_INT.withName("bytes"),
                    JAVA_INT.withName("piece"));

    private static final int WIDEST = 16;
    private static final long MEMORY = CStruct.offset(LAYOUT, "memory");
    private static final long DENSE = CStruct.offset(LAYOUT, "dense");
    private static final long BYTES = CStruct.offset(LAYOUT, "bytes");
    private static final long PIECE = CStruct.offset(LAYOUT, "piece");

    private KvRuns() {}

    /**
     * Writes one run.
     *
     * @param table of structs
     * @param index which of them
     * @param memory bytes from the device's memory to the run
     * @param dense bytes from the dense memory to its place
     * @param bytes 1 to {@link #MOST_BYTES}
     */
    public static void write(MemorySegment table, int index, long memory, long dense, int bytes) {
        long at = index * LAYOUT.byteSize();
        table.set(JAVA_LONG, at + MEMORY, memory);
        table.set(JAVA_LONG, at + DENSE, dense);
        table.set(JAVA_INT, at + BYTES, bytes);
        table.set(JAVA_INT, at + PIECE, (int) Long.lowestOneBit(WIDEST | memory | dense | bytes));
    }
}
