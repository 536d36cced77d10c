package io.kvwire.rdma;

import io.kvwire.tck.CancellationContract;
import io.kvwire.tck.FaultContract;
import io.kvwire.tck.FlowControlContract;
import io.kvwire.tck.TransferContract;
import io.kvwire.tck.WireUnderTest;

import org.junit.jupiter.api.Nested;

import java.util.Map;

/** Where a device has no immediates, a message says that a frame is written. */
class MessagedWritesTest {
    private static WireUnderTest messaged() {
        var fabric = new SimFabric(3, SimFabric.Weather.ROUGH).withoutImmediates();
        return new SimWire(fabric, 1, Map.of("rdma.credits", "8"));
    }

    @Nested
    class Transfers extends TransferContract {
        @Override
        protected WireUnderTest wire() {
            return messaged();
        }
    }

    @Nested
    class Cancellation extends CancellationContract {
        @Override
        protected WireUnderTest wire() {
            return messaged();
        }
    }

    @Nested
    class FlowControl extends FlowControlContract {
        @Override
        protected WireUnderTest wire() {
            return messaged();
        }
    }

    @Nested
    class Faults extends FaultContract {
        @Override
        protected WireUnderTest wire() {
            return messaged();
        }
    }
}
