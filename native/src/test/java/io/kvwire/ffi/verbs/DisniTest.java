package io.kvwire.ffi.verbs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kvwire.ffi.BundledLibrary;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.Test;

import java.nio.file.Path;

class DisniTest {

    /** DiSNI compares the interface's version and the size of every struct when it starts. */
    @Test
    void disniAcceptsItsNativeHalf() throws Exception {
        assumeTrue(
                BundledLibrary.open("libdisni.so", Path::getFileName).isPresent(),
                "libdisni.so was not built: install gcc, libibverbs-dev and librdmacm-dev");
        assertEquals("", Disni.reason());
    }

    @Test
    void aDeviceThatIsNotThereIsRefused() {
        var device = new Device("mlx5_99", "uverbs99", 0, 0, Path.of("/sys/none"));
        var failure = assertThrows(TransferException.class, () -> Disni.open(device));
        assertEquals(ErrorCode.PATH_UNAVAILABLE, failure.code());
    }
}
