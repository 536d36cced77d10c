package io.kvwire.harness.model;

import io.kvwire.harness.math.Kernels;
import io.kvwire.harness.math.ScalarKernels;
import io.kvwire.harness.simd.VectorKernels;

import org.slf4j.LoggerFactory;

/**
 * Chooses the kernels, once per process: those on the Vector API where its module is in the boot
 * layer, otherwise the scalar ones, with a warning that names the missing flag.
 */
public final class KernelChoice {
    private static final String MODULE = "jdk.incubator.vector";

    private KernelChoice() {}

    private static final class Chosen {
        static final Kernels KERNELS = choose();
    }

    /** {@return the fastest kernels that this JVM can run} */
    public static Kernels best() {
        return Chosen.KERNELS;
    }

    private static Kernels choose() {
        var log = LoggerFactory.getLogger(KernelChoice.class);
        if (ModuleLayer.boot().findModule(MODULE).isEmpty()) {
            log.warn(
                    "The Vector API is not available, so the model runs on scalar kernels, many"
                            + " times slower; start Java with --add-modules {}",
                    MODULE);
            return new ScalarKernels();
        }
        if (!VectorKernels.worthwhile()) {
            log.warn(
                    "This processor has no vectors that the JVM can use; the model runs on scalar"
                            + " kernels, many times slower");
            return new ScalarKernels();
        }
        return new VectorKernels();
    }
}
