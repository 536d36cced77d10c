package io.kvwire.pcie;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferException;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * The {@code pcie.} entries of {@link NodeConfig#wireOptions()}.
 *
 * @param directory of the sockets, or empty for the usual one
 * @param ringBytes of each lane in each direction
 * @param frames of each lane in each direction that the peer may have to fetch at one time
 * @param eagerBytes payload up to which a frame travels in its announcement
 * @param minRunBytes average length of pieces below which they are copied through the ring
 * @param spinNanos how long a lane looks for work before it sleeps
 * @param staysAwake whether the lane that looks for a peer's messages does not sleep at all
 * @param readsPrivate whether peers may read private memory, and this node theirs
 * @param showsDevices whether peers may open memory of devices, and this node theirs
 */
record PcieOptions(
        Optional<Path> directory,
        int ringBytes,
        int frames,
        int eagerBytes,
        int minRunBytes,
        long spinNanos,
        boolean staysAwake,
        boolean readsPrivate,
        boolean showsDevices) {

    private static final String PREFIX = "pcie.";
    private static final Set<String> NAMES =
            new TreeSet<>(
                    Set.of(
                            "pcie.directory",
                            "pcie.ringBytes",
                            "pcie.frames",
                            "pcie.eagerBytes",
                            "pcie.minRunBytes",
                            "pcie.spinMicros",
                            "pcie.deviceMemory",
                            "pcie.private"));

    /**
     * {@return the options of a node}
     *
     * @throws TransferException with {@link ErrorCode#OUT_OF_RANGE} when one is unknown or has a
     *     value that makes no sense
     */
    static PcieOptions of(NodeConfig config) {
        var options = config.wireOptions();
        for (var name : options.keySet()) {
            if (name.startsWith(PREFIX) && !NAMES.contains(name)) {
                throw wrong(
                        "there is no option " + name + ": there are " + String.join(", ", NAMES));
            }
        }
        int ring = number(options, "pcie.ringBytes", 1 << 20, 256 << 10, 1 << 30);
        if (Integer.bitCount(ring) != 1) {
            throw wrong("option pcie.ringBytes is " + ring + ": need a power of two");
        }
        long spinMicros = number(options, "pcie.spinMicros", 20, 0, 1_000_000);
        return new PcieOptions(
                Optional.ofNullable(options.get("pcie.directory")).map(Path::of),
                ring,
                number(options, "pcie.frames", 16, 1, LaneMemory.MAX_FRAMES),
                number(options, "pcie.eagerBytes", 2048, 0, 32 << 10),
                number(options, "pcie.minRunBytes", 128, 32, 1 << 20),
                spinMicros * 1000,
                config.waitMode() == NodeConfig.WaitMode.SPIN,
                automatic(options, "pcie.private", "ring"),
                automatic(options, "pcie.deviceMemory", "staged"));
    }

    /** {@return false where an option has the value that forbids something} */
    private static boolean automatic(Map<String, String> options, String name, String otherwise) {
        var text = options.getOrDefault(name, "auto");
        if (!text.equals("auto") && !text.equals(otherwise)) {
            throw wrong("option %s is '%s': need auto or %s".formatted(name, text, otherwise));
        }
        return text.equals("auto");
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

    private static TransferException wrong(String message) {
        return new TransferException(ErrorCode.OUT_OF_RANGE, message);
    }
}
