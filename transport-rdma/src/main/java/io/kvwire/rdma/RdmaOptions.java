package io.kvwire.rdma;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferException;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/** The {@code rdma.} entries of {@link NodeConfig#wireOptions()}; immutable. */
final class RdmaOptions {
    /** The longest header of a frame, with room for what stands around it. */
    private static final int LEAST_MESSAGE_BYTES = 12 << 10;

    /** Many times what a request of the longest kind takes on a slow port. */
    private static final long LEAST_STALL_NANOS = 10_000_000_000L;

    private static final String PREFIX = "rdma.";

    /** Name, value by default, least, most. */
    private static final Map<String, long[]> NUMBERS = new TreeMap<>();

    private static final Set<String> TEXTS =
            Set.of(
                    "rdma.provider",
                    "rdma.devices",
                    "rdma.connect",
                    "rdma.pull",
                    "rdma.keys",
                    "rdma.relaxedOrdering");

    static {
        number("rdma.gidIndex", -1, -1, 65535);
        number("rdma.threads", 0, 0, 1024);
        number("rdma.mtu", 0, 0, 4096);
        number("rdma.timeout", 14, 0, 31);
        // Not 7: Soft-RoCE takes that for ever, and a peer that is gone would never be told.
        number("rdma.retries", 6, 0, 7);
        number("rdma.notReadyRetries", 7, 0, 7);
        number("rdma.notReadyTimer", 12, 0, 31);
        number("rdma.trafficClass", 0, 0, 255);
        number("rdma.serviceLevel", 0, 0, 15);
        number("rdma.hopLimit", 64, 1, 255);
        number("rdma.sendDepth", 256, 32, 16 << 10);
        number("rdma.credits", 64, 8, 4096);
        number("rdma.frames", 32, 1, 128);
        number("rdma.messageBytes", 16 << 10, LEAST_MESSAGE_BYTES, 1 << 20);
        number("rdma.eagerBytes", 4 << 10, 0, 1 << 20);
        number("rdma.minRunBytes", 512, 1, 1 << 20);
        number("rdma.gathers", 16, 1, 64);
        number("rdma.requestBytes", 1 << 20, 4096, 1 << 30);
        number("rdma.inlineBytes", 128, 0, 4096);
        number("rdma.atomics", 16, 1, 128);
        number("rdma.registrations", 1024, 1, 1 << 20);
        number("rdma.completions", 32 << 10, 256, 4 << 20);
        number("rdma.spinMicros", 20, 0, 1_000_000);
        number("rdma.revokeMillis", 1000, 0, 3_600_000);
        number("rdma.drainMillis", 5000, 1, 3_600_000);
        number("rdma.stallMillis", 0, 0, 3_600_000);
    }

    /** When the receiver fetches the payload with READ. */
    enum Pull {
        /** When it has asked for the bytes. */
        READS,
        /** Always. */
        ALWAYS,
        /** Never: every payload is written. */
        NEVER
    }

    /** Under which keys the peer reaches memory. */
    enum Keys {
        /** Through windows where the device has them, and keeps them through lost packets. */
        AUTO,
        /** Keys of their own for each frame, through memory windows of type 2. */
        WINDOWS,
        /** The keys of the registrations, for as long as these last. */
        REGISTRATIONS
    }

    /** How queue pairs are connected. */
    enum Connect {
        /** By exchange where the provider can, else through the connection manager. */
        AUTO,
        /** By what the two sides tell each other over the control channel. */
        EXCHANGE,
        /** Through the system's connection manager, rdma_cm. */
        CM
    }

    private final NodeConfig config;

    private RdmaOptions(NodeConfig config) {
        this.config = config;
    }

    private static void number(String name, long byDefault, long least, long most) {
        NUMBERS.put(name, new long[] {byDefault, least, most});
    }

    /**
     * {@return the options of a node}
     *
     * @throws TransferException with {@link ErrorCode#OUT_OF_RANGE} when one is unknown or has a
     *     value that makes no sense
     */
    static RdmaOptions of(NodeConfig config) {
        var options = new RdmaOptions(config);
        for (var name : config.wireOptions().keySet()) {
            if (NUMBERS.containsKey(name)) {
                options.number(name);
            } else if (name.startsWith(PREFIX) && !TEXTS.contains(name)) {
                throw wrong(
                        "there is no option "
                                + name
                                + ": there are "
                                + String.join(
                                        ", ",
                                        Stream.concat(NUMBERS.keySet().stream(), TEXTS.stream())
                                                .sorted()
                                                .toList()));
            }
        }
        var _ = options.pull();
        var _ = options.connect();
        var _ = options.relaxedOrdering();
        var _ = options.keys();
        if (options.mtuBytes() != 0 && Integer.bitCount(options.mtuBytes()) != 1) {
            throw wrong("option rdma.mtu is " + options.mtuBytes() + ": need 256 to 4096, by twos");
        }
        return options;
    }

    private int number(String name) {
        var bounds = NUMBERS.get(name);
        var text = config.wireOptions().get(name);
        if (text == null) {
            return (int) bounds[0];
        }
        try {
            int value = Integer.parseInt(text.strip());
            if (value >= bounds[1] && value <= bounds[2]) {
                return value;
            }
        } catch (NumberFormatException e) {
            // Reported below with the values that are possible.
        }
        throw wrong(
                "option %s is '%s': need a number from %d to %d"
                        .formatted(name, text, bounds[1], bounds[2]));
    }

    private static TransferException wrong(String message) {
        return new TransferException(ErrorCode.OUT_OF_RANGE, message);
    }

    private String text(String name, String byDefault) {
        return config.wireOptions().getOrDefault(name, byDefault).strip();
    }

    /** {@return the name of a provider, or {@code auto}} */
    String provider() {
        return text("rdma.provider", "auto");
    }

    /** {@return devices or ports to use ({@code mlx5_0}, {@code mlx5_0:1}); empty for any} */
    List<String> devices() {
        var list = text("rdma.devices", "");
        return Stream.of(list.split(",", -1)).map(String::strip).filter(n -> !n.isEmpty()).toList();
    }

    Pull pull() {
        var text = text("rdma.pull", "reads");
        return switch (text) {
            case "reads" -> Pull.READS;
            case "always" -> Pull.ALWAYS;
            case "never" -> Pull.NEVER;
            default ->
                    throw wrong("option rdma.pull is '" + text + "': need reads, always or never");
        };
    }

    Connect connect() {
        var text = text("rdma.connect", "auto");
        return switch (text) {
            case "auto" -> Connect.AUTO;
            case "exchange" -> Connect.EXCHANGE;
            case "cm" -> Connect.CM;
            default ->
                    throw wrong("option rdma.connect is '" + text + "': need auto, exchange or cm");
        };
    }

    Keys keys() {
        var text = text("rdma.keys", "auto");
        return switch (text) {
            case "auto" -> Keys.AUTO;
            case "windows" -> Keys.WINDOWS;
            case "registrations" -> Keys.REGISTRATIONS;
            default ->
                    throw wrong(
                            "option rdma.keys is '"
                                    + text
                                    + "': need auto, windows or registrations");
        };
    }

    boolean relaxedOrdering() {
        var text = text("rdma.relaxedOrdering", "false");
        return switch (text) {
            case "true" -> true;
            case "false" -> false;
            default ->
                    throw wrong(
                            "option rdma.relaxedOrdering is '" + text + "': need true or false");
        };
    }

    int gidIndex() {
        return number("rdma.gidIndex");
    }

    /** {@return pollers of each rail} */
    int threads() {
        int asked = number("rdma.threads");
        if (asked > 0) {
            return asked;
        }
        int cores = Runtime.getRuntime().availableProcessors();
        // A spinning thread takes its core for good, so there are fewer of them.
        int most = spins() ? Math.max(1, cores / 4) : cores;
        return Math.min(config.lanes(), most);
    }

    boolean spins() {
        return config.waitMode() == NodeConfig.WaitMode.SPIN;
    }

    int mtuBytes() {
        return number("rdma.mtu");
    }

    int timeout() {
        return number("rdma.timeout");
    }

    int retries() {
        return number("rdma.retries");
    }

    int notReadyRetries() {
        return number("rdma.notReadyRetries");
    }

    int notReadyTimer() {
        return number("rdma.notReadyTimer");
    }

    int trafficClass() {
        return number("rdma.trafficClass");
    }

    int serviceLevel() {
        return number("rdma.serviceLevel");
    }

    int hopLimit() {
        return number("rdma.hopLimit");
    }

    int sendDepth() {
        return number("rdma.sendDepth");
    }

    int credits() {
        return number("rdma.credits");
    }

    int frames() {
        return number("rdma.frames");
    }

    int messageBytes() {
        return number("rdma.messageBytes");
    }

    int eagerBytes() {
        return number("rdma.eagerBytes");
    }

    int minRunBytes() {
        return number("rdma.minRunBytes");
    }

    int gathers() {
        return number("rdma.gathers");
    }

    int requestBytes() {
        return number("rdma.requestBytes");
    }

    int inlineBytes() {
        return number("rdma.inlineBytes");
    }

    int atomics() {
        return number("rdma.atomics");
    }

    int registrations() {
        return number("rdma.registrations");
    }

    int completions() {
        return number("rdma.completions");
    }

    long spinNanos() {
        return number("rdma.spinMicros") * 1000L;
    }

    /** {@return how long a peer may go on with a frame that nobody wants any more} */
    long revokeNanos() {
        return number("rdma.revokeMillis") * 1_000_000L;
    }

    /**
     * {@return how long a device may go on with what was posted and end none of it} By default
     * twice what its retries can take, with one that waits for up to four times the local ACK
     * timeout, as the InfiniBand specification lets it (volume 1, 9.7.6.1.3), and at least ten
     * seconds. Without a timeout of its own it may take for ever.
     */
    long stallNanos() {
        int millis = number("rdma.stallMillis");
        if (millis > 0) {
            return millis * 1_000_000L;
        }
        if (timeout() == 0) {
            return Long.MAX_VALUE;
        }
        return Math.max(LEAST_STALL_NANOS, (2L * 4 * (retries() + 1) * 4096) << timeout());
    }

    long drainNanos() {
        return number("rdma.drainMillis") * 1_000_000L;
    }
}
