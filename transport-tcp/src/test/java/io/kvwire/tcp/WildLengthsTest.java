package io.kvwire.tcp;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.Limits;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferNode;
import io.kvwire.transport.spi.InboundFrame;
import io.kvwire.transport.spi.LinkExchange;
import io.kvwire.transport.spi.LinkHandler;
import io.kvwire.transport.spi.LinkSetup;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/**
 * What a few bytes that announce many cost: the whole process may take far less memory than they
 * announce, and the sender is closed. Not for running at the same time as other tests.
 */
class WildLengthsTest {
    private static final int PATIENCE_MILLIS = 20_000;

    /** What a connection may cost: the buffers that it starts with, and some objects. */
    private static final long MOST_BYTES = 1 << 20;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private static NodeConfig config() {
        return NodeConfig.named("decode")
                .withLimits(Limits.DEFAULT.withHandshakeTimeout(Duration.ofMillis(500)));
    }

    private static long directBytes() {
        return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .filter(pool -> pool.getName().equals("direct"))
                .mapToLong(BufferPoolMXBean::getMemoryUsed)
                .sum();
    }

    private interface Action {
        void run() throws Exception;
    }

    /** Does something twice, the first time for what is made once and stays. */
    private static void assertTakesLittle(Action action) throws Exception {
        action.run();
        long heap = THREADS.getTotalThreadAllocatedBytes();
        long direct = directBytes();
        action.run();
        assertTrue(heap >= 0, "this JVM counts what its threads allocate");
        long heapTaken = THREADS.getTotalThreadAllocatedBytes() - heap;
        long directTaken = directBytes() - direct;
        assertTrue(heapTaken < MOST_BYTES, () -> heapTaken + " bytes on the heap");
        assertTrue(directTaken < MOST_BYTES, () -> directTaken + " bytes off the heap");
    }

    private static byte[] controlHeader(int bytes) {
        var header = ByteBuffer.allocate(ControlFrame.HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        ControlFrame.putHeader(header, ControlFrame.Kind.MESSAGE, bytes);
        return header.array();
    }

    @ParameterizedTest
    @ValueSource(ints = {Integer.MAX_VALUE, -1, Integer.MIN_VALUE, (4 << 20) + 1})
    void aControlMessageThatIsTooLongIsRefusedBeforeAnythingIsAllocated(int bytes)
            throws Exception {
        try (var said = new Said();
                var node = TransferNode.start(config())) {
            int port = node.address().port();
            assertTakesLittle(() -> BadBytesTest.sendAndAwaitClose(port, controlHeader(bytes)));
            var announced = Integer.toUnsignedString(bytes);
            await().until(() ->
                    said.text().contains("announces " + announced + " bytes: at most 4194304"));
        }
    }

    /** The longest that there may be, of which nothing comes. */
    @ParameterizedTest
    @ValueSource(ints = 4 << 20)
    void aLongControlMessageThatDoesNotComeTakesNoMemory(int bytes) throws Exception {
        assertEquals(bytes, config().limits().maxControlBytes());
        try (var node = TransferNode.start(config())) {
            int port = node.address().port();
            assertTakesLittle(() -> BadBytesTest.sendAndAwaitClose(port, controlHeader(bytes)));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "2147483647, 0, announces a header of 2147483647 bytes: at most 65536",
        "-1, 0, announces a header of 4294967295 bytes: at most 65536",
        "65537, 0, announces a header of 65537 bytes: at most 65536",
        "96, -1, announces a payload of 18446744073709551615 bytes",
        "96, -9223372036854775808, announces a payload of 9223372036854775808 bytes",
    })
    void aFrameThatIsTooLongIsRefusedBeforeAnythingIsAllocated(
            int headerBytes, long payloadBytes, String says) throws Exception {
        try (var path = new TcpDataPath(config())) {
            assertTakesLittle(() -> {
                var node = sendOnLane(path, prefix(headerBytes, payloadBytes));
                assertEquals(0, node.begun.get(), "the node has not heard of the frame");
                var reason = node.lost();
                assertEquals(ErrorCode.MALFORMED, reason.code());
                assertTrue(reason.getMessage().contains(says), reason.getMessage());
            });
        }
    }

    /** A length that is none of the lane's business: the node is asked, and may refuse it. */
    @ParameterizedTest
    @ValueSource(longs = {Long.MAX_VALUE, Integer.MAX_VALUE})
    void aPayloadThatTheNodeRefusesTakesNoMemory(long payloadBytes) throws Exception {
        try (var path = new TcpDataPath(config())) {
            assertTakesLittle(() -> {
                var node = sendOnLane(path, prefix(0, payloadBytes));
                assertEquals(1, node.begun.get());
                assertEquals(payloadBytes, node.payloadBytes);
                assertEquals(Node.REFUSAL, node.lost().getMessage());
            });
        }
    }

    private static byte[] prefix(int headerBytes, long payloadBytes) {
        var prefix = ByteBuffer.allocate(FramePrefix.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        FramePrefix.put(prefix, headerBytes, payloadBytes);
        return prefix.array();
    }

    private static byte[] bytes(ByteBuffer message) {
        var bytes = new byte[message.remaining()];
        message.get(bytes);
        return bytes;
    }

    /** Opens a lane as a peer does, sends on it, and waits until it is closed. */
    private static Node sendOnLane(TcpDataPath path, byte[] bytes) throws Exception {
        var node = new Node();
        byte[] token = new byte[LinkSetup.TOKEN_BYTES];
        token[0] = 1;
        var setup =
                new LinkSetup(
                        "stranger",
                        token,
                        1,
                        new byte[0],
                        "127.0.0.1",
                        new NoExchange(),
                        Duration.ofSeconds(10).toNanos());
        var link = path.accept(setup, node);
        int port = Endpoint.decode(path.endpoint()).port();
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(PATIENCE_MILLIS);
            socket.getOutputStream().write(bytes(new LaneHello(0, token).encode()));
            assertArrayEquals(
                    bytes(LaneHello.encode(LaneHello.Answer.WELCOME)),
                    socket.getInputStream().readNBytes(LaneHello.ANSWER_BYTES));
            socket.getOutputStream().write(bytes);
            assertEquals(-1, socket.getInputStream().read(), "the node answered");
        } catch (SocketTimeoutException e) {
            throw new AssertionError("the node left the lane open", e);
        } catch (IOException e) {
            // A reset closes it as well.
        }
        assertTrue(link.isDone());
        return node;
    }

    private static final class Node implements LinkHandler {
        private static final String REFUSAL = "longer than any frame";

        private final AtomicInteger begun = new AtomicInteger();
        private final AtomicReference<Optional<TransferException>> lost =
                new AtomicReference<>(Optional.empty());
        private volatile long payloadBytes;

        TransferException lost() {
            await().until(() -> lost.get().isPresent());
            return lost.get().orElseThrow();
        }

        @Override
        public InboundFrame begin(ByteBuffer header, long bytes) {
            payloadBytes = bytes;
            begun.incrementAndGet();
            throw new TransferException(ErrorCode.MALFORMED, REFUSAL);
        }

        @Override
        public void laneLost(int lane, TransferException reason) {
            lost.set(Optional.of(reason));
        }

        @Override
        public void closed(TransferException reason) {
            // The lane says it.
        }
    }

    private static final class NoExchange implements LinkExchange {
        @Override
        public boolean send(byte[] message) {
            throw new AssertionError("TCP has nothing to say beside its lanes");
        }

        @Override
        public void receive(Consumer<byte[]> receiver) {
            throw new AssertionError("TCP hears nothing beside its lanes");
        }
    }
}
