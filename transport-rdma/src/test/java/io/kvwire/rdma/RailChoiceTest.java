package io.kvwire.rdma;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.NodeConfig;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Map;

/** Which port and address are used, and what is said of the others. */
class RailChoiceTest {
    private static final long IPV4 = 0xFFFF0A000001L;
    private static final long LINK_LOCAL = 0xFE80L << 48;
    private static final Gid V1 = new Gid(0, Gid.Kind.ROCE_V1, 0, IPV4);
    private static final Gid LOCAL_V2 = new Gid(1, Gid.Kind.ROCE_V2, LINK_LOCAL, 7);
    private static final Gid IPV6_V2 = new Gid(2, Gid.Kind.ROCE_V2, 0x20010DB8L << 32, 7);
    private static final Gid IPV4_V2 = new Gid(3, Gid.Kind.ROCE_V2, 0, IPV4);

    private static RailChoice choose(Map<String, String> options, VerbsPort... ports) {
        var config = NodeConfig.named("near").withWireOptions(options);
        return RailChoice.of(List.of(ports), RdmaOptions.of(config));
    }

    private static VerbsPort port(String device, boolean active, Gid... gids) {
        return new VerbsPort(device, 1, active, true, 0, 4096, List.of(gids));
    }

    @Test
    void roceVersionTwoOverIpv4ComesFirst() {
        var choice = choose(Map.of(), port("mlx5_0", true, V1, LOCAL_V2, IPV6_V2, IPV4_V2));
        assertEquals(IPV4_V2, choice.rails().getFirst().gid());
        assertEquals("RoCE v2 over IPv4", choice.rails().getFirst().reason());
    }

    @Test
    void routableIpv6ComesBeforeLinkLocal() {
        var choice = choose(Map.of(), port("mlx5_0", true, V1, LOCAL_V2, IPV6_V2));
        assertEquals(IPV6_V2, choice.rails().getFirst().gid());
    }

    @Test
    void anInfinibandPortUsesItsFirstAddress() {
        var gid = new Gid(0, Gid.Kind.INFINIBAND, LINK_LOCAL, 9);
        var port = new VerbsPort("mlx5_1", 1, true, false, 5, 4096, List.of(gid));
        assertEquals(gid, choose(Map.of(), port).rails().getFirst().gid());
    }

    @Test
    void portsThatAreDownOrWithoutAnAddressArePassedWithTheReason() {
        var choice = choose(Map.of(), port("a", false, IPV4_V2), port("b", true, V1));
        assertTrue(choice.rails().isEmpty());
        assertTrue(choice.passed().get(0).contains("a:1: the port is down"));
        assertTrue(choice.passed().get(1).contains("no RoCE v2 address"));
    }

    @Test
    void namedDevicesAndIndexesAreUsedAndMissingOnesReported() {
        var options = Map.of("rdma.devices", "b:1, c", "rdma.gidIndex", "1");
        var choice = choose(options, port("a", true, IPV4_V2), port("b", true, LOCAL_V2, IPV4_V2));
        assertEquals(List.of(LOCAL_V2), choice.rails().stream().map(r -> r.gid()).toList());
        assertEquals(2, choice.passed().size(), choice.passed().toString());
        assertTrue(choice.passed().get(1).startsWith("c: named in rdma.devices"));
    }
}
