package io.kvwire.rdma;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Whether jVerbs can be used, and why not. */
class JverbsVerbsTest {
    private static final ClassLoader HERE = JverbsVerbsTest.class.getClassLoader();

    private final Verbs devices = new SimFabric(1, SimFabric.Weather.FAIR).verbs(1);

    @Test
    void aVirtualMachineWithoutJverbsSaysSo() {
        var verbs = new JverbsVerbs(ClassLoader.getPlatformClassLoader(), devices);
        var reason = verbs.unavailable().orElseThrow();
        assertTrue(reason.contains("no jVerbs") && reason.contains("IBM SDK"), reason);
        var failure = assertThrows(TransferException.class, () -> verbs.open("sim0"));
        assertEquals(ErrorCode.PATH_UNAVAILABLE, failure.code());
    }

    @Test
    void allOfItIsBoundByName() {
        assertDoesNotThrow(() -> new JverbsApi(HERE));
        assertEquals(Optional.empty(), new JverbsVerbs(HERE, devices).unavailable());
    }

    @Test
    void whatIsMissingIsNamed() {
        var methods = new NamedMethods(HERE, "java.lang.") {};
        var failure =
                assertThrows(
                        NoSuchMethodException.class, () -> methods.method("String", "fold", 2));
        assertEquals("no method java.lang.String.fold with 2 parameters", failure.getMessage());
    }

    @Test
    void connectingByExchangeIsRefusedWithWhatToDo() {
        var provider = new RdmaDataPathProvider(List.of(new JverbsVerbs(HERE, devices)));
        var config = NodeConfig.named("test").withWireOptions(Map.of("rdma.connect", "exchange"));
        var reason = provider.unavailable(config).orElseThrow();
        assertTrue(reason.contains("rdma.connect=cm"), reason);
        assertEquals(Optional.empty(), provider.unavailable(NodeConfig.named("test")));
    }
}
