package io.kvwire.tcp;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TlsConfig;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferNode;
import io.kvwire.transport.spi.LinkSetup;
import io.netty.handler.ssl.JdkSslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/**
 * Whom an accepting node with mutual TLS refuses, on each of its ports. The clients here trust the
 * node's authority, so that it is the node alone that can refuse.
 */
class TlsRefusalTest {
    private static final int PATIENCE_MILLIS = 20_000;

    /** The ports of a node, and what a client that is let in would say first. */
    private enum Port {
        CONTROL("refused a control connection"),
        DATA("refused a data lane");

        private final String refusal;

        Port(String refusal) {
            this.refusal = refusal;
        }

        byte[] opening() {
            int bytes = this == DATA ? LaneHello.BYTES : ControlFrame.HEADER_BYTES;
            var opening = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
            if (this == DATA) {
                opening.put(new LaneHello(0, new byte[LinkSetup.TOKEN_BYTES]).encode());
            } else {
                ControlFrame.putHeader(opening, ControlFrame.Kind.PREFACE, 0);
            }
            return opening.array();
        }
    }

    @TempDir private Path folder;
    private Certificates fleet;
    private TransferNode node;
    private int dataPort;
    private Said said;

    @BeforeEach
    void start() throws Exception {
        fleet = new Certificates(folder.resolve("ours"), "fleet");
        try (var free = new ServerSocket(0)) {
            dataPort = free.getLocalPort();
        }
        said = new Said();
        node =
                TransferNode.start(
                        NodeConfig.named("decode")
                                .withTls(fleet.issue("decode"))
                                .withWireOptions(
                                        Map.of("tcp.dataPort", Integer.toString(dataPort))));
    }

    @AfterEach
    void stop() {
        node.close();
        said.close();
    }

    /** A certificate of another authority, held by somebody who trusts ours. */
    private TlsConfig foreign(String authority) throws Exception {
        var theirs = new Certificates(folder.resolve("theirs"), authority).issue("prefill");
        return new TlsConfig(
                theirs.certificateChain(),
                theirs.privateKey(),
                fleet.issue("unused").trustedCertificates());
    }

    private Socket plain(Port port) throws IOException {
        var socket =
                new Socket(
                        InetAddress.getLoopbackAddress(),
                        port == Port.CONTROL ? node.address().port() : dataPort);
        socket.setSoTimeout(PATIENCE_MILLIS);
        return socket;
    }

    /** A TLS client of the JDK, which trusts our authority. */
    private Socket encrypted(Port port, Optional<TlsConfig> certificate) throws Exception {
        var context =
                SslContextBuilder.forClient()
                        .sslProvider(SslProvider.JDK)
                        .protocols("TLSv1.3")
                        .endpointIdentificationAlgorithm(null)
                        .trustManager(fleet.issue("unused").trustedCertificates().toFile());
        certificate.ifPresent(files ->
                context.keyManager(files.certificateChain().toFile(), files.privateKey().toFile()));
        var plain = plain(port);
        return ((JdkSslContext) context.build())
                .context()
                .getSocketFactory()
                .createSocket(plain, "127.0.0.1", plain.getPort(), true);
    }

    /** Says what opens a connection, and waits for its end, before which nothing may be said. */
    private static void assertEndsUnserved(Port port, Socket socket) throws IOException {
        int answer = -1;
        try (socket) {
            // With TLS 1.3 the client is done before the node has seen its certificate.
            socket.getOutputStream().write(port.opening());
            answer = socket.getInputStream().read();
        } catch (SocketTimeoutException e) {
            throw new AssertionError("the node left the connection open", e);
        } catch (IOException e) {
            // An alert or a reset ends it as well.
        }
        assertEquals(-1, answer, "the node answered");
    }

    private void assertSays(Port port, String... parts) {
        await().untilAsserted(() -> {
            var line =
                    said.text()
                            .lines()
                            .filter(text -> text.contains(port.refusal))
                            .findFirst()
                            .orElseThrow(() -> new AssertionError("it says nothing"));
            for (var part : parts) {
                assertTrue(line.contains(part), () -> "no '" + part + "' in: " + line);
            }
        });
    }

    private void assertStillServes() throws Exception {
        assertTrue(node.peers().isEmpty(), "nobody was let in");
        try (var other =
                TransferNode.start(
                        NodeConfig.named("prefill")
                                .connectOnly()
                                .withTls(fleet.issue("prefill")))) {
            assertTrue(other.connect(node.address()).get(20, TimeUnit.SECONDS).connected());
        }
    }

    /**
     * An authority of our authority's name has its certificate shown, as the names are asked for.
     */
    @ParameterizedTest
    @ValueSource(strings = {"stranger", "fleet"})
    void aNodeWithTheCertificateOfAnotherAuthorityIsRefused(String authority) throws Exception {
        try (var other =
                TransferNode.start(NodeConfig.named("prefill").withTls(foreign(authority)))) {
            var failure =
                    assertThrows(
                            ExecutionException.class,
                            () -> other.connect(node.address()).get(20, TimeUnit.SECONDS));
            var refusal = assertInstanceOf(TransferException.class, failure.getCause());
            assertEquals(ErrorCode.REFUSED, refusal.code(), refusal.getMessage());
            assertTrue(refusal.getMessage().contains("certificate"), refusal.getMessage());
        }
        assertSays(Port.CONTROL, "certificate", "authority");
        assertStillServes();
    }

    @ParameterizedTest
    @EnumSource(Port.class)
    void aCertificateOfAnotherAuthorityOfTheSameNameIsRefused(Port port) throws Exception {
        assertEndsUnserved(port, encrypted(port, Optional.of(foreign("fleet"))));
        assertSays(port, "certificate", "authority", "Signature does not match");
        assertStillServes();
    }

    @ParameterizedTest
    @EnumSource(Port.class)
    void aTlsClientWithoutCertificateIsRefused(Port port) throws Exception {
        assertEndsUnserved(port, encrypted(port, Optional.empty()));
        assertSays(port, "client certificate", "authority");
        assertStillServes();
    }

    @ParameterizedTest
    @EnumSource(Port.class)
    void aClientWithoutTlsIsRefused(Port port) throws Exception {
        assertEndsUnserved(port, plain(port));
        assertSays(port, "does not speak TLS", "set up TLS on both sides");
        assertStillServes();
    }
}
