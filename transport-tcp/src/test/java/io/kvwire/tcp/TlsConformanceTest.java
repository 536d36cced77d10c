package io.kvwire.tcp;

import io.kvwire.tck.ChecksumContract;
import io.kvwire.tck.PeerLossContract;
import io.kvwire.tck.StreamContract;
import io.kvwire.tck.TransferContract;
import io.kvwire.tck.WireUnderTest;
import io.kvwire.transport.TlsConfig;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;

/** What TLS could break of the contract: bytes, order, the end of connections. */
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
}
