package io.kvwire.pcie.levelzero;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.NativeLibrary;
import io.kvwire.ffi.levelzero.Context;
import io.kvwire.ffi.levelzero.LevelZero;

import java.lang.foreign.FunctionDescriptor;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The driver that tests run on: it refuses what a driver need not take, and counts what is open.
 */
public final class SimulatedLevelZero {
    private static final Path LIBRARY =
            Path.of("..", "native", "target", "level-zero-simulator", "libze_loader.so.1")
                    .toAbsolutePath()
                    .normalize();

    private SimulatedLevelZero() {}

    /** Opens its device; skips the test, saying so, where the driver was not built. */
    public static Context open() {
        assumeTrue(
                Files.exists(LIBRARY),
                "no simulated Level Zero driver: install gcc and libze-dev, and build native");
        System.setProperty(LevelZero.LIBRARY_PROPERTY, LIBRARY.toString());
        var levelZero = LevelZero.system();
        assumeTrue(levelZero.isPresent(), levelZero::reason);
        return Context.of(levelZero.devices().getFirst());
    }

    /** Fails when lists, kernels, memory or contexts were left open. */
    public static void assertNothingIsOpen() {
        try {
            var open =
                    NativeLibrary.open(LIBRARY.toString())
                            .function("simulated_open", FunctionDescriptor.of(JAVA_INT));
            assertEquals(0, (int) open.invokeExact(), "left open");
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }
}
