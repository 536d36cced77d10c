package io.kvwire.harness.cuda;

import io.kvwire.ffi.cuda.CudaLibrary;

import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The driver that tests run on: NVIDIA's where there is a GPU, else the simulated one that the
 * build of {@code native} leaves. To be chosen before anything asks for CUDA.
 */
final class TestDriver {
    private static final Path DEVICE = Path.of("/dev/nvidiactl");
    private static final Path SIMULATED =
            Path.of("..", "native", "target", "cuda-simulator", "libcuda.so.1").toAbsolutePath();

    private TestDriver() {}

    static void choose() {
        if (!Files.exists(DEVICE)) {
            System.setProperty(CudaLibrary.LIBRARY_PROPERTY, SIMULATED.normalize().toString());
        }
    }
}
