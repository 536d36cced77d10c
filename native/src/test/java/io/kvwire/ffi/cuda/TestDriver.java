package io.kvwire.ffi.cuda;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;

/** The driver that tests run on: NVIDIA's where there is a GPU, else the simulated one. */
final class TestDriver {
    private static final Path DEVICE = Path.of("/dev/nvidiactl");
    private static final Path SIMULATED = Path.of("target", "cuda-simulator", "libcuda.so.1");

    private TestDriver() {}

    static boolean isReal() {
        return Files.exists(DEVICE);
    }

    /** Opens the first device; skips the test, saying so, where there is neither driver. */
    static Context open() {
        if (!isReal()) {
            assumeTrue(
                    Files.exists(SIMULATED),
                    "no GPU, and no simulated driver: install gcc and build again");
            System.setProperty(CudaLibrary.LIBRARY_PROPERTY, SIMULATED.toAbsolutePath().toString());
        }
        assumeTrue(CudaLibrary.isUsable(), CudaLibrary::reason);
        return Context.of(CudaLibrary.device(0));
    }
}
