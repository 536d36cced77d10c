package io.kvwire.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

class NodeConfigTest {
    private static final NodeConfig PLAIN = NodeConfig.named("decode-0");

    @Test
    void aNamedNodeListensOnLoopbackAndOffersEveryPath() {
        assertEquals(Optional.of(NodeAddress.LOOPBACK), PLAIN.listen());
        assertEquals(List.of(), PLAIN.paths());
        assertEquals(Optional.empty(), PLAIN.requiredPath());
        assertEquals(Optional.empty(), PLAIN.tls());
        assertEquals(Limits.DEFAULT, PLAIN.limits());
    }

    @Test
    void eachChangeChangesOneThingOnly() {
        var address = new NodeAddress("10.0.0.1", 7400);
        var tls = new TlsConfig(Path.of("chain"), Path.of("key"), Path.of("trust"));
        var limits = Limits.DEFAULT.withInFlight(1, 2, 1 << 20);
        var listener = new NodeListener() {};

        var codec = CodecConfig.auto("int8");
        var changed =
                PLAIN.withListen(address)
                        .withPaths("rdma", "tcp")
                        .requiring("tcp")
                        .withLanes(7)
                        .withWait(NodeConfig.WaitMode.SPIN)
                        .withTls(tls)
                        .withBytesPerSecond(8)
                        .withLimits(limits)
                        .withListener(listener)
                        .withWireOptions(Map.of("tcp.native", "nio"))
                        .withCodec(codec);

        var expected =
                new NodeConfig(
                        "decode-0",
                        Optional.of(address),
                        List.of("rdma", "tcp"),
                        Optional.of("tcp"),
                        7,
                        NodeConfig.WaitMode.SPIN,
                        Optional.of(tls),
                        OptionalLong.of(8),
                        limits,
                        listener,
                        Map.of("tcp.native", "nio"),
                        codec);
        assertEquals(expected, changed);
        assertEquals(Optional.empty(), changed.connectOnly().listen());
        assertEquals(expected, changed.connectOnly().withListen(address));
    }

    @Test
    void namesAreCountedInBytesOfUtf8() {
        assertEquals(255, NodeConfig.named("x".repeat(255)).name().length());
        refused("256 bytes", () -> NodeConfig.named("x".repeat(256)));
        refused("256 bytes", () -> NodeConfig.named("ü".repeat(128)));
        refused("not blank", () -> NodeConfig.named(" "));
        refused("control characters", () -> NodeConfig.named("a\nb"));
    }

    @Test
    void lanesAndRatesOutOfRangeAreRefused() {
        refused("0 lanes: need 1 to 64", () -> PLAIN.withLanes(0));
        refused("65 lanes: need 1 to 64", () -> PLAIN.withLanes(65));
        refused("bytesPerSecond is 0: need at least 1", () -> PLAIN.withBytesPerSecond(0));
    }

    @Test
    void aRequiredPathMustBeAmongThoseOffered() {
        refused("rdma is required", () -> PLAIN.withPaths("tcp").requiring("rdma"));
        refused("rdma is required", () -> PLAIN.requiring("rdma").withPaths("tcp", "pcie"));
        assertEquals(Optional.of("rdma"), PLAIN.requiring("rdma").requiredPath());
    }

    private static void refused(String words, Runnable action) {
        var refusal = assertThrows(IllegalArgumentException.class, action::run);
        assertTrue(refusal.getMessage().contains(words), refusal.getMessage());
    }
}
