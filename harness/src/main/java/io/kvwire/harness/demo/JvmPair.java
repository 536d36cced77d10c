package io.kvwire.harness.demo;

import com.fasterxml.jackson.core.JsonProcessingException;

import io.kvwire.harness.split.SplitRun;
import io.kvwire.transport.CodecConfig;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Two JVMs: one that prefills, one that decodes, each on the devices that the steps name. Both
 * start at once and stay up, so that all but the first round run warm. Owns both, and the folder
 * for the path file.
 */
final class JvmPair implements Processes {
    private static final Duration RUN = Duration.ofMinutes(2);

    private final Plan plan;
    private final Path folder;
    private final ChildJvm decode;
    private ChildJvm prefill;
    private final Map<DemoWorker.Serve, String> addresses = new HashMap<>();

    /**
     * How to start the two.
     *
     * @param model what both load
     * @param onDecodeHost what comes before the command of the one that decodes
     * @param path the only wire that they offer; empty for all, of which each step takes its own
     * @param bytesPerSecond limit on what prefill sends in steps with a limited link
     * @param threads that compute in each; 0 for all cores
     * @param verbose whether to show what they log
     */
    record Plan(
            String model,
            List<String> onDecodeHost,
            String path,
            long bytesPerSecond,
            int threads,
            boolean verbose) {}

    /**
     * Where and how prefill runs.
     *
     * @param onHost what comes before its command
     * @param listen the host name or address on which it listens
     * @param codec what it offers besides raw
     */
    record Prefill(List<String> onHost, String listen, String codec) {}

    private JvmPair(Plan plan, Prefill first, Path folder) {
        this.plan = plan;
        this.folder = folder;
        prefill = start(first);
        try {
            decode = ChildJvm.start("decode", plan.onDecodeHost(), plan.verbose(), words());
        } catch (RuntimeException e) {
            prefill.close();
            throw e;
        }
    }

    private List<String> words() {
        var words = new ArrayList<>(List.of("demo-worker", "--model", plan.model()));
        words.addAll(List.of("--file-folder", folder.toString()));
        words.addAll(List.of("--threads", String.valueOf(plan.threads())));
        if (!plan.path().isEmpty()) {
            words.addAll(List.of("--path", plan.path()));
        }
        return words;
    }

    private ChildJvm start(Prefill where) {
        var words = words();
        words.addAll(List.of("--listen", where.listen() + ":0"));
        words.addAll(List.of("--codec", where.codec()));
        if (!where.codec().equals(CodecConfig.AUTO_NAME) && !where.codec().equals(Step.RAW)) {
            words.addAll(List.of("--codec", Step.RAW));
        }
        return ChildJvm.start("prefill", where.onHost(), plan.verbose(), words);
    }

    /**
     * Starts both processes.
     *
     * @param plan how
     * @param prefill where the one that prefills runs
     * @return the pair, which takes steps at once
     */
    static JvmPair start(Plan plan, Prefill prefill) {
        Path folder;
        try {
            folder = Files.createTempDirectory("kvwire-demo-");
        } catch (IOException e) {
            throw new TransferException(
                    ErrorCode.INTERNAL, "no folder for temporary files: " + e, e);
        }
        folder.toFile().deleteOnExit();
        return new JvmPair(plan, prefill, folder);
    }

    /**
     * Has another process prefill from now on, in place of the former, which ends. The one that
     * decodes stays, and stays warm.
     *
     * @param to where it runs
     */
    void movePrefill(Prefill to) {
        prefill.close();
        addresses.clear();
        prefill = start(to);
    }

    @Override
    public SplitRun run(Step step, List<Integer> prompt, int maxTokens) {
        return decoded(DemoWorker.Decode.of(step, address(step), prompt, maxTokens));
    }

    @Override
    public SplitRun handOver(Step step, List<Integer> prompt) {
        return decoded(DemoWorker.Decode.again(step, address(step), prompt));
    }

    private SplitRun decoded(DemoWorker.Decode order) {
        return switch (ask(decode, order)) {
            case DemoWorker.Decoded decoded -> decoded.run();
            case DemoWorker.Failed failed -> throw failed(failed);
            case DemoWorker.Serving serving -> throw unasked("decode", serving);
        };
    }

    /** Where the server of a step listens, which is started for the first one that needs it. */
    private String address(Step step) {
        long limit = step.link() == Step.Link.LIMITED ? plan.bytesPerSecond() : 0;
        var order = new DemoWorker.Serve(step.seats().prefill(), limit);
        var known = addresses.get(order);
        if (known != null) {
            return known;
        }
        return switch (ask(prefill, order)) {
            case DemoWorker.Serving serving -> {
                addresses.put(order, serving.address());
                yield serving.address();
            }
            case DemoWorker.Failed failed -> throw failed(failed);
            case DemoWorker.Decoded decoded -> throw unasked("prefill", decoded);
        };
    }

    private static DemoWorker.Result ask(ChildJvm child, DemoWorker.Order order) {
        try {
            child.send(
                    DemoWorker.MAPPER.writerFor(DemoWorker.Order.class).writeValueAsString(order));
            return DemoWorker.MAPPER.readValue(child.receive(RUN), DemoWorker.Result.class);
        } catch (JsonProcessingException e) {
            throw new TransferException(
                    ErrorCode.MALFORMED, "a process of the demo gave no result: " + e, e);
        }
    }

    private static TransferException failed(DemoWorker.Failed failed) {
        return new TransferException(ErrorCode.INTERNAL, failed.message());
    }

    private static TransferException unasked(String child, DemoWorker.Result result) {
        return new TransferException(
                ErrorCode.INTERNAL,
                "the " + child + " process said " + result + ", which it was not asked for");
    }

    @Override
    public void close() {
        decode.close();
        prefill.close();
        try {
            ChildJvm.deleteFolder(folder);
        } catch (IOException e) {
            folder.toFile().deleteOnExit();
        }
    }
}
