package io.kvwire.ffi.verbs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.Test;

import java.nio.file.Files;
import java.nio.file.Path;

class VerbsLibraryTest {

    @Test
    void aHostWithoutDevicesHasAnEmptyList() {
        assumeTrue(!Files.exists(Path.of("/sys/class/infiniband")), "this host has RDMA devices");
        assertEquals(0, VerbsLibrary.devices().size());
    }

    @Test
    void theReasonIsEmptyExactlyWhenTheLibraryIsThere() {
        assertEquals(VerbsLibrary.isPresent(), VerbsLibrary.reason().isEmpty());
        if (!VerbsLibrary.isPresent()) {
            assertTrue(VerbsLibrary.reason().contains("rdma-core"), VerbsLibrary::reason);
        }
    }

    @Test
    void aDeviceThatIsNotThereIsRefusedByName() {
        var device = new Device("mlx5_99", "uverbs99", 0, 0, Path.of("/sys/none"));
        var failure =
                assertThrows(
                        TransferException.class,
                        () -> VerbsLibrary.open(device, device.callMode()));
        assertEquals(ErrorCode.PATH_UNAVAILABLE, failure.code());
        assertTrue(
                failure.getMessage().contains("mlx5_99")
                        || failure.getMessage().contains(VerbsLibrary.LIBRARY_NAME),
                failure::getMessage);
    }
}
