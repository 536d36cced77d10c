package io.kvwire.harness.cli;

import io.kvwire.harness.device.ComputeDevice;
import io.kvwire.harness.device.ComputeDevices;
import io.kvwire.harness.model.LlamaOptions;
import io.kvwire.harness.model.LoadedModel;
import io.kvwire.harness.model.ModelSource;
import io.kvwire.harness.split.CacheShape;
import io.kvwire.harness.split.Seat;
import io.kvwire.transport.DType;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvOrder;

import picocli.CommandLine.Option;

/** What both halves of a run choose: model, cache, device, threads. */
final class SeatOptions {
    @Option(
            names = "--model",
            paramLabel = "MODEL",
            defaultValue = "trained",
            description =
                    "trained, tiny, small, or a folder with config.json and model.safetensors"
                            + " (default: ${DEFAULT-VALUE}).")
    private String model;

    @Option(
            names = "--tokens-per-block",
            paramLabel = "N",
            defaultValue = "16",
            description = "Tokens in one block of the cache (default: ${DEFAULT-VALUE}).")
    private int tokensPerBlock;

    @Option(
            names = "--order",
            defaultValue = "NHD",
            description = "Tokens or heads first: ${COMPLETION-CANDIDATES} (default: NHD).")
    private KvOrder order;

    @Option(
            names = "--form",
            defaultValue = "SPLIT",
            description = "K and V apart or side by side: SPLIT, FUSED (default: SPLIT).")
    private KvForm form;

    @Option(
            names = "--dtype",
            defaultValue = "BF16",
            description = "Elements of the cache: BF16, FP16, FP32 (default: BF16).")
    private DType dtype;

    @Option(
            names = "--cache-tokens",
            paramLabel = "N",
            defaultValue = "0",
            description = "Tokens that the cache holds (default: the model's longest sequence).")
    private int cacheTokens;

    @Option(
            names = "--threads",
            paramLabel = "N",
            defaultValue = "0",
            description = "Threads that compute (default: all cores).")
    private int threads;

    @Option(
            names = "--chunk",
            paramLabel = "N",
            defaultValue = "128",
            description =
                    "Prompt tokens that go through all layers together (default:"
                            + " ${DEFAULT-VALUE}).")
    private int chunk;

    @Option(
            names = "--device",
            paramLabel = "DEVICE",
            defaultValue = "cpu",
            description =
                    "What runs the model and holds its cache: cpu, xpu (OpenCL) or cuda, with a"
                            + " number where there are several, such as xpu:1 (default:"
                            + " ${DEFAULT-VALUE}).")
    private String device;

    /** Opens the device; the caller closes it after the seat's user. */
    ComputeDevice open() {
        return ComputeDevices.open(device);
    }

    LoadedModel load() {
        return ModelSource.parse(model).load();
    }

    Seat seat(LoadedModel loaded, ComputeDevice on) {
        var options = LlamaOptions.defaults().withChunkTokens(chunk);
        return new Seat(
                loaded,
                new CacheShape(tokensPerBlock, order, form, dtype),
                cacheTokens == 0 ? loaded.config().maxPositions() : cacheTokens,
                threads == 0 ? options : options.withThreads(threads),
                on);
    }
}
