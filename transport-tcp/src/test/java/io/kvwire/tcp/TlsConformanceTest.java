package io.kvwire.tcp;

import io.kvwire.tck.CancellationContract;
import io.kvwire.tck.ChecksumContract;
import io.kvwire.tck.FlowControlContract;
import io.kvwire.tck.NotificationContract;
import io.kvwire.tck.PeerLossContract;
import io.kvwire.tck.StreamContract;
import io.kvwire.tck.TransferContract;
import io.kvwire.tck.WireUnderTest;
import io.kvwire.transport.TlsConfig;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;

/**
 * What TLS could break of the contract: bytes, order between control channel and lanes, room for
 * what waits to be encrypted, what is withdrawn while it waits, the end of connections.
 *
 * <p>Left out is what is decided from whole frames and messages, which are the same with and
 * without TLS: ranges, layouts, tensor parallelism, staleness, bounds, callbacks, races, leases,
 * limits, paths, faults, codecs, the life of a node. {@link TcpConformanceTest} runs these; here
 * they would take as long again, twice over, since each test shakes hands. Which certificates are
 * refused is in {@link TlsRefusalTest}.
 */
class TlsConformanceTest {
    @TempDir private static Path folder;
    private static TlsConfig node;

    @BeforeAll
    static void issue() throws Exception {
        node = new Certificates(folder, "fleet").issue("node");
    }

    private static WireUnderTest tls() {
        return new TcpWire(config -> config.withTls(node), false);
    }

    @Nested
    class Transfers extends TransferContract {
        @Override
        protected WireUnderTest wire() {
            return tls();
        }
    }

    @Nested
    class Streams extends StreamContract {
        @Override
        protected WireUnderTest wire() {
            return tls();
        }
    }

    @Nested
    class Checksums extends ChecksumContract {
        @Override
        protected WireUnderTest wire() {
            return tls();
        }
    }

    @Nested
    class PeerLoss extends PeerLossContract {
        @Override
        protected WireUnderTest wire() {
            return tls();
        }
    }

    @Nested
    class Notifications extends NotificationContract {
        @Override
        protected WireUnderTest wire() {
            return tls();
        }
    }

    @Nested
    class FlowControl extends FlowControlContract {
        @Override
        protected WireUnderTest wire() {
            return tls();
        }
    }

    @Nested
    class Cancellation extends CancellationContract {
        @Override
        protected WireUnderTest wire() {
            return tls();
        }
    }
}
