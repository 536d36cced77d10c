package io.kvwire.harness.perf;

import java.lang.management.ManagementFactory;
import java.util.function.DoubleConsumer;
import java.util.function.LongSupplier;

/**
 * Work before what is measured. Few calls move a lot, so the compiler is long in coming to them,
 * and takes cores from the wire while it works: what is measured begins when it is quiet.
 */
public final class WarmUp {
    private static final double SLICE_SECONDS = 0.5;

    /** The share of a core that compilers may take for the JVMs to count as warm. */
    private static final double MOST_COMPILING = 0.05;

    private WarmUp() {}

    /**
     * Works until the compilers of all JVMs at work have little to do any more.
     *
     * @param leastSeconds that the work takes
     * @param mostSeconds after which it is not begun again
     * @param work takes so many seconds, about
     * @param compilerMillis how long they have worked: {@link #compilerMillis()} of each
     */
    public static void run(
            double leastSeconds,
            double mostSeconds,
            DoubleConsumer work,
            LongSupplier compilerMillis) {
        long start = System.nanoTime();
        double seconds = leastSeconds;
        boolean compiling = true;
        while (compiling && System.nanoTime() - start < mostSeconds * 1e9) {
            long before = compilerMillis.getAsLong();
            work.accept(seconds);
            compiling = compilerMillis.getAsLong() - before > MOST_COMPILING * seconds * 1e3;
            seconds = Math.min(seconds, SLICE_SECONDS);
        }
    }

    /** {@return how long the compiler of this JVM has worked; 0 in a JVM without one} */
    public static long compilerMillis() {
        var compiler = ManagementFactory.getCompilationMXBean();
        return compiler == null ? 0 : compiler.getTotalCompilationTime();
    }
}
