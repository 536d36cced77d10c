package io.kvwire.rdma;

import io.kvwire.tck.FaultContract;
import io.kvwire.tck.LifecycleContract;
import io.kvwire.tck.TransferContract;
import io.kvwire.tck.WireUnderTest;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;

import java.util.Map;

/**
 * Lanes that were connected through rdma_cm move, fail and come back as others do, on a device of
 * this host.
 */
@Tag("rdma")
@Tag("rdma-device")
class ManagedDeviceTest {
    @BeforeAll
    static void needsADevice() {
        DeviceWire.assumePresent();
    }

    private static WireUnderTest managed() {
        return new DeviceWire(Map.of("rdma.connect", "cm"));
    }

    @Nested
    class Transfers extends TransferContract {
        @Override
        protected WireUnderTest wire() {
            return managed();
        }
    }

    @Nested
    class Lifecycle extends LifecycleContract {
        @Override
        protected WireUnderTest wire() {
            return managed();
        }
    }

    @Nested
    class Faults extends FaultContract {
        @Override
        protected WireUnderTest wire() {
            return managed();
        }
    }
}
