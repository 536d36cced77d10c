package io.kvwire.harness.bench.worker;

import io.kvwire.transport.CodecConfig;
import io.kvwire.transport.Limits;
import io.kvwire.transport.NodeConfig;

import java.time.Duration;
import java.util.List;

/**
 * How the two ends of an adapter are joined.
 *
 * @param path a path of kvwire
 * @param codec a codec
 * @param lanes connections
 * @param spin whether threads poll without sleeping
 */
record Link(String path, String codec, int lanes, boolean spin) {
    /** The block tables of long lists travel in one message of this size. */
    private static final int NOTIFICATION_BYTES = 2 << 20;

    /** Both ends are stopped between their turns, for as long as the others take. */
    private static final Duration SILENCE = Duration.ofMinutes(30);

    NodeConfig config(String name) {
        return NodeConfig.named(name)
                .withLanes(lanes)
                .withLimits(limits())
                .withWait(spin ? NodeConfig.WaitMode.SPIN : NodeConfig.WaitMode.SLEEP)
                .requiring(path)
                .withCodec(CodecConfig.parse(codec));
    }

    private static Limits limits() {
        var usual = Limits.DEFAULT;
        return new Limits(
                usual.maxPeers(),
                usual.maxRegions(),
                usual.maxControlBytes(),
                usual.maxFramePayloadBytes(),
                NOTIFICATION_BYTES,
                usual.maxTransfersPerPeer(),
                usual.maxQueuedTransfers(),
                usual.windowBytes(),
                usual.handshakeTimeout(),
                usual.heartbeatInterval(),
                SILENCE);
    }

    boolean exact() {
        return !codec.contains("int8");
    }

    /** {@return the words of the command line that say the same} */
    List<String> words() {
        var words = new java.util.ArrayList<>(List.of("--path", path, "--codec", codec));
        words.addAll(List.of("--lanes", Integer.toString(lanes)));
        if (spin) {
            words.add("--spin");
        }
        return List.copyOf(words);
    }
}
