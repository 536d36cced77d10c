package io.kvwire.harness.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kvwire.harness.device.ComputeDevice;
import io.kvwire.harness.device.ComputeDevices;
import io.kvwire.harness.device.CpuDevice;
import io.kvwire.harness.math.ElementType;
import io.kvwire.harness.model.GreedyDecoding;
import io.kvwire.harness.model.LayerListener;
import io.kvwire.harness.model.Llama;
import io.kvwire.harness.model.LlamaConfig;
import io.kvwire.harness.model.LlamaOptions;
import io.kvwire.harness.model.LlamaRunner;
import io.kvwire.harness.model.LlamaWeights;
import io.kvwire.harness.model.LoadedModel;
import io.kvwire.harness.model.ModelSource;
import io.kvwire.harness.model.Rope;
import io.kvwire.harness.split.CacheMemory;
import io.kvwire.harness.split.CacheShape;
import io.kvwire.harness.weights.ModelException;
import io.kvwire.harness.weights.SeededWeights;
import io.kvwire.transport.DType;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvOrder;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;

/** What a device computes, against the CPU, bit for bit. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class DeviceLlamaContract {
    /** No size is a multiple of a vector, a panel or a group of threads. */
    private static final LlamaConfig ODD =
            new LlamaConfig(
                    101, 52, 70, 2, 6, 2, 20, 300, 1e-5f, Rope.plain(10_000), true, List.of());

    private final String kind;
    private ComputeDevice device;

    /**
     * For the test of a device.
     *
     * @param kind as users call it
     */
    protected DeviceLlamaContract(String kind) {
        this.kind = kind;
    }

    @BeforeAll
    void openTheDevice() {
        var missing = ComputeDevices.unavailable(kind);
        assumeTrue(missing.isEmpty(), () -> missing.orElseThrow());
        device = ComputeDevices.open(kind);
    }

    @AfterAll
    void closeTheDevice() {
        if (device != null) {
            device.close();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "FP32, NHD, SPLIT, 16, 40",
        "BF16, NHD, SPLIT, 16, 7",
        "FP16, NHD, SPLIT, 16, 64",
        "BF16, HND, SPLIT, 32, 13",
        "FP32, HND, FUSED, 16, 64",
        "BF16, NHD, FUSED, 128, 1",
    })
    void logitsEqualThoseOfTheCpuInEveryBit(
            DType dtype, KvOrder order, KvForm form, int tokensPerBlock, int chunk) {
        var shape = new CacheShape(tokensPerBlock, order, form, dtype);
        for (var model : List.of(seeded(ODD), seeded(LlamaConfig.tiny()))) {
            int[] tokens = model.syntheticPrompt(61, chunk);
            assertArrayEquals(
                    logits(CpuDevice.CPU, model, CacheShape.DEFAULT, dtype, 64, tokens),
                    logits(device, model, shape, dtype, chunk, tokens),
                    () -> model.config() + " in " + shape);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"FP32", "BF16"})
    void theTrainedModelWritesTheSameTextAsOnTheCpu(DType dtype) {
        var model = ModelSource.parse("trained").load();
        int[] prompt = model.tokenizer().orElseThrow().encode("In the beginning God created");
        assertArrayEquals(
                continued(CpuDevice.CPU, model, dtype, prompt, 48),
                continued(device, model, dtype, prompt, 48));
    }

    @Test
    void theSeededPresetMakesTheSameTokensAsOnTheCpu() {
        var model = ModelSource.parse("tiny").load();
        int[] prompt = model.syntheticPrompt(150, 5);
        assertArrayEquals(
                continued(CpuDevice.CPU, model, DType.BF16, prompt, 100),
                continued(device, model, DType.BF16, prompt, 100));
    }

    @Test
    void theTokenTakenOnTheDeviceIsThatOfTheLargestLogit() {
        var model = seeded(LlamaConfig.tiny());
        try (var memory = memory(device, model, CacheShape.DEFAULT, 64);
                var llama = device.runner(model, options(16))) {
            for (int seed = 0; seed < 20; seed++) {
                int[] tokens = model.syntheticPrompt(1 + new Random(seed).nextInt(40), seed);
                float[] logits = prefill(llama, memory, tokens);
                assertEquals(
                        Llama.greedy(logits),
                        llama.next(tokens, 0, table(memory), memory.paged(), LayerListener.NONE));
            }
        }
    }

    @Test
    void everyLayerOfEveryChunkIsHeardOfInOrder() {
        var model = seeded(LlamaConfig.tiny());
        var heard = new ArrayList<String>();
        try (var memory = memory(device, model, CacheShape.DEFAULT, 64);
                var llama = device.runner(model, options(16))) {
            llama.prefill(
                    model.syntheticPrompt(40, 1),
                    0,
                    table(memory),
                    memory.paged(),
                    (layer, first, count) -> heard.add(layer + " " + first + " " + count));
        }
        assertEquals(List.of("0 0 16", "1 0 16", "0 16 16", "1 16 16", "0 32 8", "1 32 8"), heard);
    }

    @Test
    void whatDoesNotFitTheModelIsRefusedAsOnTheCpu() {
        var model = seeded(LlamaConfig.tiny());
        try (var memory = memory(device, model, CacheShape.DEFAULT, 64);
                var llama = device.runner(model, options(16))) {
            assertThrows(ModelException.class, () -> prefill(llama, memory));
            assertThrows(ModelException.class, () -> prefill(llama, memory, 256));
            assertThrows(ModelException.class, () -> prefill(llama, memory, new int[65]));
        }
    }

    private static LoadedModel seeded(LlamaConfig config) {
        try (var weights = new SeededWeights(4)) {
            return new LoadedModel(
                    "seeded", config, LlamaWeights.load(config, weights), Optional.empty());
        }
    }

    private static LlamaOptions options(int chunk) {
        return LlamaOptions.defaults().withThreads(1).withChunkTokens(chunk);
    }

    private static CacheMemory memory(
            ComputeDevice on, LoadedModel model, CacheShape shape, int tokens) {
        return on.memory()
                .map(memory -> CacheMemory.allocate(memory, model.config(), shape, tokens))
                .orElseGet(() -> CacheMemory.allocate(model.config(), shape, tokens));
    }

    /** Blocks in an order that is not that of the memory. */
    private static int[] table(CacheMemory memory) {
        int blocks = memory.blocks();
        return IntStream.range(0, blocks).map(i -> blocks - 1 - i).toArray();
    }

    private static float[] prefill(LlamaRunner llama, CacheMemory memory, int... tokens) {
        return llama.prefill(tokens, 0, table(memory), memory.paged(), LayerListener.NONE);
    }

    private static float[] logits(
            ComputeDevice on,
            LoadedModel model,
            CacheShape shape,
            DType dtype,
            int chunk,
            int... tokens) {
        var typed = new CacheShape(shape.tokensPerBlock(), shape.order(), shape.form(), dtype);
        try (var memory = memory(on, model, typed, 256);
                var llama = on.runner(model, options(chunk))) {
            assertEquals(ElementType.valueOf(dtype.name()), memory.paged().geometry().type());
            return prefill(llama, memory, tokens);
        }
    }

    private static int[] continued(
            ComputeDevice on, LoadedModel model, DType dtype, int[] prompt, int count) {
        var shape = new CacheShape(16, KvOrder.NHD, KvForm.SPLIT, dtype);
        try (var memory = memory(on, model, shape, prompt.length + count);
                var llama = on.runner(model, options(32))) {
            int[] table = table(memory);
            int first = llama.next(prompt, 0, table, memory.paged(), LayerListener.NONE);
            return new GreedyDecoding(llama, table, memory.paged())
                    .run(first, prompt.length, count, token -> {});
        }
    }
}
