package io.kvwire.tcp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.Limits;
import io.kvwire.transport.NodeAddress;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferNode;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/**
 * What strangers may send to a node's two ports, and what a node says of an address that is wrong.
 */
class BadBytesTest {
    private static final int PATIENCE_MILLIS = 20_000;

    private TransferNode node;
    private int dataPort;

    @BeforeEach
    void start() throws IOException {
        try (var free = new ServerSocket(0)) {
            dataPort = free.getLocalPort();
        }
        var hasty = Limits.DEFAULT.withHandshakeTimeout(Duration.ofMillis(500));
        node =
                TransferNode.start(
                        NodeConfig.named("decode")
                                .withLimits(hasty)
                                .withWireOptions(
                                        Map.of("tcp.dataPort", Integer.toString(dataPort))));
    }

    @AfterEach
    void stop() {
        node.close();
    }

    /** Sends bytes, and waits until the node has closed the connection. */
    static void sendAndAwaitClose(int port, byte[] bytes) throws IOException {
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(PATIENCE_MILLIS);
            try {
                socket.getOutputStream().write(bytes);
                while (socket.getInputStream().read() >= 0) {
                    // What it says before it closes does not matter here.
                }
            } catch (SocketTimeoutException e) {
                throw new AssertionError("the node left the connection open", e);
            } catch (IOException e) {
                // A reset closes it as well.
            }
        }
    }

    private void assertStillServes() throws Exception {
        try (var other = TransferNode.start(NodeConfig.named("prefill").connectOnly())) {
            assertTrue(other.connect(node.address()).get(20, TimeUnit.SECONDS).connected());
        }
    }

    private int[] ports() {
        return new int[] {node.address().port(), dataPort};
    }

    @RepeatedTest(5)
    void garbageClosesTheConnectionAndNothingElse() throws Exception {
        for (int port : ports()) {
            byte[] garbage = new byte[1 + new Random().nextInt(100_000)];
            new Random().nextBytes(garbage);
            sendAndAwaitClose(port, garbage);
        }
        assertStillServes();
    }

    @Test
    void silenceClosesTheConnectionWhenTheHandshakeTimeIsOver() throws Exception {
        for (int port : ports()) {
            sendAndAwaitClose(port, new byte[0]);
        }
        assertStillServes();
    }

    @Test
    void aWildNumberAnywhereInAHeaderClosesTheConnectionAndNothingElse() throws Exception {
        for (int at = 0; at <= 12; at += 4) {
            var header = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
            header.putInt(0, ControlFrame.MAGIC).putShort(4, (short) ControlFrame.VERSION);
            header.putInt(at, Integer.MAX_VALUE);
            sendAndAwaitClose(node.address().port(), header.array());
        }
        assertStillServes();
    }

    @Test
    void aLaneWithAnUnknownTokenIsRefused() throws Exception {
        byte[] token = new byte[16];
        new Random().nextBytes(token);
        var hello = ByteBuffer.allocate(LaneHello.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        hello.putInt(LaneHello.MAGIC).putShort((short) LaneHello.VERSION).putShort((short) 0);
        hello.put(token);
        sendAndAwaitClose(dataPort, hello.array());
        assertStillServes();
    }

    @Test
    void manySilentConnectionsDoNotKeepOthersOutForLong() throws Exception {
        var silent = new Socket[64];
        try {
            for (int i = 0; i < silent.length; i++) {
                silent[i] = new Socket(InetAddress.getLoopbackAddress(), ports()[i % 2]);
            }
            assertStillServes();
        } finally {
            for (var socket : silent) {
                if (socket != null) {
                    socket.close();
                }
            }
        }
    }

    @Test
    void anAddressWithNobodyBehindItIsUnreachable() throws Exception {
        int nobody;
        try (var free = new ServerSocket(0)) {
            nobody = free.getLocalPort();
        }
        var failure =
                assertThrows(
                        ExecutionException.class,
                        () ->
                                node.connect(new NodeAddress("127.0.0.1", nobody))
                                        .get(20, TimeUnit.SECONDS));
        var reason = assertInstanceOf(TransferException.class, failure.getCause());
        assertEquals(ErrorCode.UNREACHABLE, reason.code());
        assertTrue(reason.getMessage().contains("" + nobody), reason.getMessage());
    }

    @Test
    void aPortInUseIsSaidToBe() {
        var taken = NodeConfig.named("second").withListen(node.address());
        var failure =
                assertThrows(
                        TransferException.class,
                        () -> {
                            try (var second = TransferNode.start(taken)) {
                                assertTrue(second.peers().isEmpty());
                            }
                        });
        assertEquals(ErrorCode.UNREACHABLE, failure.code());
        assertTrue(failure.getMessage().contains("in use"), failure.getMessage());
    }
}
