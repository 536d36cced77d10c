package io.kvwire.codec;

import io.kvwire.codec.rows.RowKernels;
import io.kvwire.codec.rows.ScalarRowKernels;
import io.kvwire.codec.simd.VectorRowKernels;

import java.lang.System.Logger.Level;
import java.util.function.Supplier;

/**
 * Chooses the kernels, once per process: those on the Vector API where its module is in the boot
 * layer, as soon as they are compiled, otherwise the scalar ones, with a warning that names the
 * missing flag.
 */
final class KernelChoice {
    private static final String MODULE = "jdk.incubator.vector";

    private KernelChoice() {}

    private static final class Chosen {
        static final Supplier<RowKernels> KERNELS = choose();
    }

    /** {@return the fastest kernels that this JVM can run, for one thread} */
    static RowKernels best() {
        return Chosen.KERNELS.get();
    }

    /**
     * Whether a JVM compiles vectors, by what HotSpot says in {@code java.vm.info}: "mixed mode",
     * with "emulated-client" where it stops at its first compiler, or "interpreted mode".
     */
    static boolean optimises(String mode) {
        return !mode.contains("emulated-client") && !mode.contains("interpreted mode");
    }

    private static Supplier<RowKernels> choose() {
        var log = System.getLogger(KernelChoice.class.getName());
        if (ModuleLayer.boot().findModule(MODULE).isEmpty()) {
            log.log(
                    Level.WARNING,
                    "The Vector API is not available, so INT8 frames are coded by scalar kernels,"
                            + " many times slower; start Java with --add-modules "
                            + MODULE);
            return ScalarRowKernels::new;
        }
        if (!VectorRowKernels.worthwhile()) {
            log.log(
                    Level.WARNING,
                    "This processor has no vectors that the JVM can use; INT8 frames are coded by"
                            + " scalar kernels, many times slower");
            return ScalarRowKernels::new;
        }
        if (!optimises(System.getProperty("java.vm.info", ""))) {
            log.log(
                    Level.WARNING,
                    "This JVM runs without its optimising compiler (-XX:TieredStopAtLevel, -Xint),"
                            + " which alone makes the Vector API fast; INT8 frames are coded by"
                            + " scalar kernels, many times slower");
            return ScalarRowKernels::new;
        }
        if (KernelWarmUp.most().isZero()) {
            return VectorRowKernels::new;
        }
        var warmUp = new KernelWarmUp(VectorRowKernels::new, KernelWarmUp.most());
        return () -> new WarmingKernels(new VectorRowKernels(), warmUp);
    }
}
