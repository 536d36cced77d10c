package io.kvwire.harness.xpu;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kvwire.ffi.levelzero.LevelZero;

import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

import java.nio.file.Files;
import java.nio.file.Path;

/** Gives a test class the simulated driver of Level Zero; skips it where that was not built. */
final class OnLevelZero implements BeforeAllCallback, AfterAllCallback {
    private static final Path LIBRARY =
            Path.of("..", "native", "target", "level-zero-simulator", "libze_loader.so.1")
                    .toAbsolutePath()
                    .normalize();

    @Override
    public void beforeAll(ExtensionContext context) {
        assumeTrue(
                Files.exists(LIBRARY),
                "no simulated Level Zero driver: install gcc and libze-dev, and build native");
        System.setProperty(LevelZero.LIBRARY_PROPERTY, LIBRARY.toString());
    }

    @Override
    public void afterAll(ExtensionContext context) {
        System.clearProperty(LevelZero.LIBRARY_PROPERTY);
    }
}
