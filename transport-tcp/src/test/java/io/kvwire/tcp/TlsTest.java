package io.kvwire.tcp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.Limits;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TlsConfig;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferNode;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/**
 * Who may connect when mutual TLS is on. That transfers work over it is the conformance suite's.
 */
class TlsTest {
    @TempDir private Path folder;
    private Certificates fleet;

    @BeforeEach
    void makeAuthority() throws Exception {
        fleet = new Certificates(folder, "fleet");
    }

    private static NodeConfig config(String name, Optional<TlsConfig> tls) {
        var config = NodeConfig.named(name).withLimits(Limits.DEFAULT);
        return tls.map(config::withTls).orElse(config);
    }

    /** Connects, and gives the refusal. */
    private static TransferException refusal(Optional<TlsConfig> near, Optional<TlsConfig> far)
            throws Exception {
        try (var decode = TransferNode.start(config("decode", far));
                var prefill = TransferNode.start(config("prefill", near))) {
            var failure =
                    assertThrows(
                            ExecutionException.class,
                            () -> prefill.connect(decode.address()).get(30, TimeUnit.SECONDS));
            assertTrue(decode.peers().isEmpty(), "nobody was let in");
            return assertInstanceOf(TransferException.class, failure.getCause());
        }
    }

    @Test
    void nodesOfOneAuthorityConnectAndSayThatTlsIsOn() throws Exception {
        try (var decode = TransferNode.start(config("decode", Optional.of(fleet.issue("decode"))));
                var prefill =
                        TransferNode.start(
                                config("prefill", Optional.of(fleet.issue("prefill"))))) {
            var peer = prefill.connect(decode.address()).get(30, TimeUnit.SECONDS);
            assertTrue(peer.path().details().get("tls").contains("TLSv1.3"), peer.path()::toString);
        }
    }

    @Test
    void aCertificateOfAnotherAuthorityIsRefused() throws Exception {
        var stranger = new Certificates(folder, "stranger").issue("prefill");
        var refusal = refusal(Optional.of(stranger), Optional.of(fleet.issue("decode")));
        assertEquals(ErrorCode.REFUSED, refusal.code(), refusal.getMessage());
    }

    @Test
    void anExpiredCertificateOfTheConnectingSideIsRefused() throws Exception {
        var refusal =
                refusal(
                        Optional.of(fleet.issueExpired("prefill")),
                        Optional.of(fleet.issue("decode")));
        assertEquals(ErrorCode.REFUSED, refusal.code(), refusal.getMessage());
    }

    @Test
    void anExpiredCertificateOfTheAcceptingSideIsRefused() throws Exception {
        var refusal =
                refusal(
                        Optional.of(fleet.issue("prefill")),
                        Optional.of(fleet.issueExpired("decode")));
        assertEquals(ErrorCode.REFUSED, refusal.code(), refusal.getMessage());
    }

    @Test
    void aNodeWithoutCertificateIsRefused() throws Exception {
        var refusal = refusal(Optional.empty(), Optional.of(fleet.issue("decode")));
        assertEquals(ErrorCode.REFUSED, refusal.code(), refusal.getMessage());
    }

    @Test
    void aNodeThatWantsTlsDoesNotTalkToOneWithout() throws Exception {
        var refusal = refusal(Optional.of(fleet.issue("prefill")), Optional.empty());
        assertEquals(ErrorCode.REFUSED, refusal.code(), refusal.getMessage());
    }

    @Test
    void aFileThatIsNoKeyIsNamed() throws Exception {
        var good = fleet.issue("decode");
        var noKey = Files.writeString(folder.resolve("no.key"), "not a key");
        var config =
                config(
                        "decode",
                        Optional.of(
                                new TlsConfig(
                                        good.certificateChain(),
                                        noKey,
                                        good.trustedCertificates())));
        var failure =
                assertThrows(
                        TransferException.class,
                        () -> {
                            try (var node = TransferNode.start(config)) {
                                assertTrue(node.peers().isEmpty());
                            }
                        });
        assertTrue(failure.getMessage().contains("no.key"), failure.getMessage());
    }
}
