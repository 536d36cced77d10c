package io.kvwire.pcie.cuda;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kvwire.ffi.cuda.Context;
import io.kvwire.ffi.cuda.CudaLibrary;

import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The driver that tests run on: NVIDIA's where there is a GPU, else the simulated one, which ends
 * the process when it is used as a driver must not be.
 */
public final class TestDriver {
    private static final Path DEVICE = Path.of("/dev/nvidiactl");
    private static final Path SIMULATED =
            Path.of("..", "native", "target", "cuda-simulator", "libcuda.so.1").toAbsolutePath();

    private TestDriver() {}

    /** Whether tests run on a GPU. */
    public static boolean isReal() {
        return Files.exists(DEVICE);
    }

    /** What the JVM of another process needs to run on the same driver. */
    public static String option() {
        return "-D" + CudaLibrary.LIBRARY_PROPERTY + "=" + library();
    }

    private static String library() {
        return isReal() ? CudaLibrary.LIBRARY_NAME : SIMULATED.normalize().toString();
    }

    /** Opens the first device; skips the test, saying so, where there is neither driver. */
    public static Context open() {
        if (!isReal()) {
            assumeTrue(
                    Files.exists(SIMULATED),
                    "no GPU, and no simulated driver: install gcc and build native");
        }
        System.setProperty(CudaLibrary.LIBRARY_PROPERTY, library());
        assumeTrue(CudaLibrary.isUsable(), CudaLibrary::reason);
        return Context.of(CudaLibrary.device(0));
    }
}
