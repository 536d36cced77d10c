package io.kvwire.tcp;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferException;

import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * The {@code tcp.} entries of {@link NodeConfig#wireOptions()}.
 *
 * @param io which of the kernel's interfaces
 * @param threads event loops of the node
 * @param dataPort where the data lanes are accepted; 0 for any free port
 * @param sendBufferBytes SO_SNDBUF of a lane; 0 leaves it to the kernel, but for a lane to this
 *     host takes {@link #LOOPBACK_SEND_BYTES}
 * @param receiveBufferBytes SO_RCVBUF of a lane; 0 leaves it to the kernel
 * @param writeBytes about how much goes into one gathered write
 * @param readBytes how much one scattering read asks for
 */
record TcpOptions(
        IoKind io,
        int threads,
        int dataPort,
        int sendBufferBytes,
        int receiveBufferBytes,
        int writeBytes,
        int readBytes) {

    /**
     * SO_SNDBUF of a lane to this host: what waits in the kernel is read from cache again, where
     * the megabytes that the kernel grows to come from memory. Measured: 1.3 to 1.9 times the bytes
     * per second. A network needs the room, for its delay, and keeps it.
     */
    static final int LOOPBACK_SEND_BYTES = 256 << 10;

    private static final String PREFIX = "tcp.";
    private static final Set<String> NAMES =
            new TreeSet<>(
                    Set.of(
                            "tcp.io",
                            "tcp.threads",
                            "tcp.dataPort",
                            "tcp.sendBufferBytes",
                            "tcp.receiveBufferBytes",
                            "tcp.writeBytes",
                            "tcp.readBytes"));

    /**
     * {@return the options of a node}
     *
     * @throws TransferException with {@link ErrorCode#OUT_OF_RANGE} when one is unknown or has a
     *     value that makes no sense
     */
    static TcpOptions of(NodeConfig config) {
        var options = config.wireOptions();
        for (var name : options.keySet()) {
            if (name.startsWith(PREFIX) && !NAMES.contains(name)) {
                throw wrong(
                        "there is no option " + name + ": there are " + String.join(", ", NAMES));
            }
        }
        return new TcpOptions(
                IoKind.named(options.getOrDefault("tcp.io", "auto")),
                number(options, "tcp.threads", defaultThreads(config), 1, 1024),
                number(options, "tcp.dataPort", 0, 0, 65535),
                number(options, "tcp.sendBufferBytes", 0, 0, 1 << 30),
                number(options, "tcp.receiveBufferBytes", 0, 0, 1 << 30),
                number(options, "tcp.writeBytes", 1 << 20, 4 << 10, 1 << 30),
                number(options, "tcp.readBytes", 128 << 10, 4 << 10, 1 << 30));
    }

    private static int defaultThreads(NodeConfig config) {
        int cores = Runtime.getRuntime().availableProcessors();
        // A spinning thread takes its core for good, so there are fewer of them.
        int most = config.waitMode() == NodeConfig.WaitMode.SPIN ? Math.max(1, cores / 4) : cores;
        return Math.min(config.lanes(), most);
    }

    private static int number(
            Map<String, String> options, String name, int byDefault, int least, int most) {
        var text = options.get(name);
        if (text == null) {
            return byDefault;
        }
        try {
            int value = Integer.parseInt(text.strip());
            if (value >= least && value <= most) {
                return value;
            }
        } catch (NumberFormatException e) {
            // Reported below with the values that are possible.
        }
        throw wrong(
                "option %s is '%s': need a number from %d to %d"
                        .formatted(name, text, least, most));
    }

    static TransferException wrong(String message) {
        return new TransferException(ErrorCode.OUT_OF_RANGE, message);
    }
}
