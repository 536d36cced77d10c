package io.kvwire.harness.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kvwire.harness.device.ComputeDevice;
import io.kvwire.harness.device.ComputeDevices;
import io.kvwire.harness.device.CpuDevice;
import io.kvwire.harness.model.LlamaOptions;
import io.kvwire.harness.model.LoadedModel;
import io.kvwire.harness.model.ModelSource;
import io.kvwire.harness.split.CacheShape;
import io.kvwire.harness.split.DecodeClient;
import io.kvwire.harness.split.PrefillServer;
import io.kvwire.harness.split.Seat;
import io.kvwire.harness.split.SingleProcess;
import io.kvwire.harness.split.TransferMode;
import io.kvwire.transport.CodecConfig;
import io.kvwire.transport.KvOrder;
import io.kvwire.transport.NodeConfig;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Split runs with a device in one seat or both, over each wire of this host. The test of a device
 * has a static method {@code seats} that says which, by {@link #over}.
 */
public abstract class DeviceSplitContract {
    private static final int PROMPT_TOKENS = 90;
    private static final int MADE_TOKENS = 20;

    @TempDir private Path folder;
    private final LoadedModel model = ModelSource.parse("tiny").load();
    private final int[] prompt = model.syntheticPrompt(PROMPT_TOKENS, 3);
    private final List<ComputeDevice> opened = new ArrayList<>();
    private final String kind;
    private List<Integer> expected;

    /**
     * For the test of a device.
     *
     * @param kind as users call it
     */
    protected DeviceSplitContract(String kind) {
        this.kind = kind;
    }

    @BeforeEach
    void runOnTheCpuAlone() {
        var missing = ComputeDevices.unavailable(kind);
        assumeTrue(missing.isEmpty(), () -> missing.orElseThrow());
        try (var alone = new SingleProcess(seat("cpu", CacheShape.DEFAULT))) {
            expected = alone.run(prompt, MADE_TOKENS, token -> {}).tokens();
        }
    }

    @AfterEach
    void closeTheDevices() {
        opened.forEach(ComputeDevice::close);
    }

    /** {@return each of some pairs of seats over each wire of this host} */
    protected static Stream<Arguments> over(String... seats) {
        return Stream.of(seats)
                .flatMap(pair -> Stream.of("tcp", "pcie").map(wire -> pair + " " + wire))
                .map(text -> Arguments.of((Object[]) text.split(" ", -1)));
    }

    @ParameterizedTest(name = "{0} to {1} over {2}")
    @MethodSource("seats")
    void tokensAreThoseOfTheCpuAlone(String prefill, String decode, String wire) {
        var large = CacheShape.DEFAULT.withTokensPerBlock(64).withOrder(KvOrder.HND);
        for (var shape : List.of(CacheShape.DEFAULT, large)) {
            var node = NodeConfig.named(wire).requiring(wire);
            try (var server =
                            PrefillServer.start(
                                    seat(prefill, CacheShape.DEFAULT), node, Optional.of(folder));
                    var client =
                            DecodeClient.connect(
                                    seat(decode, shape), node, server.address(), folder)) {
                for (var mode : TransferMode.values()) {
                    // A file needs the same layout at both ends.
                    if (mode != TransferMode.FILE || shape.equals(CacheShape.DEFAULT)) {
                        var run = client.run(prompt, mode, MADE_TOKENS, token -> {});
                        assertEquals(expected, run.tokens(), mode + " into " + shape);
                    }
                }
                assertEquals(wire, client.path().path());
            }
        }
    }

    @Test
    void aCodecWorksBetweenADeviceAndTheHost() {
        var node = NodeConfig.named("coded").requiring("tcp").withCodec(CodecConfig.of("int8"));
        try (var server =
                        PrefillServer.start(
                                seat(kind, CacheShape.DEFAULT), node, Optional.empty());
                var onDevice =
                        DecodeClient.connect(
                                seat(kind, CacheShape.DEFAULT), node, server.address());
                var onHost =
                        DecodeClient.connect(
                                seat("cpu", CacheShape.DEFAULT), node, server.address())) {
            var one = onDevice.run(prompt, TransferMode.BULK, MADE_TOKENS, token -> {});
            var other = onHost.run(prompt, TransferMode.BULK, MADE_TOKENS, token -> {});

            assertEquals(other.tokens(), one.tokens(), "the same codes give the same tokens");
            assertTrue(one.bytes() > 0);
        }
    }

    @Test
    void aDeviceAloneIsStepZero() {
        try (var alone = new SingleProcess(seat(kind, CacheShape.DEFAULT))) {
            assertEquals(expected, alone.run(prompt, MADE_TOKENS, token -> {}).tokens());
        }
    }

    private Seat seat(String name, CacheShape shape) {
        ComputeDevices.unavailable(name).ifPresent(why -> assumeTrue(false, why));
        var device = name.equals("cpu") ? CpuDevice.CPU : ComputeDevices.open(name);
        opened.add(device);
        var options = LlamaOptions.defaults().withThreads(1).withChunkTokens(32);
        return new Seat(model, shape, 256, options, device);
    }
}
