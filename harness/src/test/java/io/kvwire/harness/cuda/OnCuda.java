package io.kvwire.harness.cuda;

import io.kvwire.ffi.cuda.CudaLibrary;

import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Gives a test class the driver that tests run on: NVIDIA's where there is a GPU, else the
 * simulated one that the build of {@code native} leaves, which runs the same kernels on the host.
 */
final class OnCuda implements BeforeAllCallback {
    private static final Path DEVICE = Path.of("/dev/nvidiactl");
    private static final Path SIMULATED =
            Path.of("..", "native", "target", "cuda-simulator", "libcuda.so.1").toAbsolutePath();

    @Override
    public void beforeAll(ExtensionContext context) {
        if (!Files.exists(DEVICE)) {
            System.setProperty(CudaLibrary.LIBRARY_PROPERTY, SIMULATED.normalize().toString());
        }
    }
}
