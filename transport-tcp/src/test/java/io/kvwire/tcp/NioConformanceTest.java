package io.kvwire.tcp;

import io.kvwire.tck.ChecksumContract;
import io.kvwire.tck.PeerLossContract;
import io.kvwire.tck.RangeContract;
import io.kvwire.tck.StreamContract;
import io.kvwire.tck.TransferContract;
import io.kvwire.tck.WireUnderTest;

import org.junit.jupiter.api.Nested;

import java.util.HashMap;

/** The channels of the JDK, where epoll cannot be had: bytes, order, the end of connections. */
class NioConformanceTest {
    private static WireUnderTest nio() {
        return new TcpWire(
                config -> {
                    var options = new HashMap<>(config.wireOptions());
                    options.put("tcp.io", "nio");
                    return config.withWireOptions(options);
                },
                true);
    }

    @Nested
    class Transfers extends TransferContract {
        @Override
        protected WireUnderTest wire() {
            return nio();
        }
    }

    @Nested
    class Ranges extends RangeContract {
        @Override
        protected WireUnderTest wire() {
            return nio();
        }
    }

    @Nested
    class Streams extends StreamContract {
        @Override
        protected WireUnderTest wire() {
            return nio();
        }
    }

    @Nested
    class Checksums extends ChecksumContract {
        @Override
        protected WireUnderTest wire() {
            return nio();
        }
    }

    @Nested
    class PeerLoss extends PeerLossContract {
        @Override
        protected WireUnderTest wire() {
            return nio();
        }
    }
}
