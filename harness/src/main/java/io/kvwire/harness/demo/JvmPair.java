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
import java.util.List;
import java.util.OptionalLong;

/**
 * Two JVMs: one that prefills, one that decodes. Both start at once and stay up, so that all but
 * the first round run warm. Owns both, and the folder for the path file.
 */
final class JvmPair implements Processes {
    private static final String LISTENING = "listening on ";
    private static final Duration START = Duration.ofMinutes(1);
    private static final Duration RUN = Duration.ofMinutes(2);

    private final ChildJvm prefill;
    private final ChildJvm decode;
    private final Path folder;
    private final String address;

    /**
     * How to start the two.
     *
     * @param model what both load
     * @param seats the devices that they compute on
     * @param onPrefillHost what comes before the command of the one
     * @param onDecodeHost what comes before the command of the other
     * @param listen the host name or address on which prefill listens
     * @param path the only wire that they offer; empty for all, of which each step takes its own
     * @param codec what prefill offers besides raw
     * @param bytesPerSecond limit on what prefill sends
     * @param verbose whether to show what they log
     */
    record Plan(
            String model,
            Step.Seats seats,
            List<String> onPrefillHost,
            List<String> onDecodeHost,
            String listen,
            String path,
            String codec,
            OptionalLong bytesPerSecond,
            boolean verbose) {}

    private JvmPair(Plan plan, Path folder) {
        this.folder = folder;
        var common = new ArrayList<>(List.of("--model", plan.model()));
        common.addAll(List.of("--file-folder", folder.toString()));
        if (!plan.path().isEmpty()) {
            common.addAll(List.of("--path", plan.path()));
        }
        var first = new ArrayList<>(List.of("prefill", "--until-input-ends"));
        first.addAll(common);
        first.addAll(List.of("--device", plan.seats().prefill()));
        first.addAll(List.of("--listen", plan.listen() + ":0", "--codec", plan.codec()));
        if (!plan.codec().equals(CodecConfig.AUTO_NAME) && !plan.codec().equals(Step.RAW)) {
            first.addAll(List.of("--codec", Step.RAW));
        }
        plan.bytesPerSecond().ifPresent(r -> first.addAll(List.of("--bytes-per-second", "" + r)));
        var second = new ArrayList<>(List.of("decode-worker"));
        second.addAll(common);
        second.addAll(List.of("--device", plan.seats().decode()));
        prefill = ChildJvm.start("prefill", plan.onPrefillHost(), plan.verbose(), first);
        try {
            decode = ChildJvm.start("decode", plan.onDecodeHost(), plan.verbose(), second);
        } catch (RuntimeException e) {
            prefill.close();
            throw e;
        }
        address = awaitAddress();
    }

    /**
     * Starts both processes.
     *
     * @param plan how
     * @return the pair, ready
     */
    static JvmPair start(Plan plan) {
        Path folder;
        try {
            folder = Files.createTempDirectory("kvwire-demo-");
        } catch (IOException e) {
            throw new TransferException(
                    ErrorCode.INTERNAL, "no folder for temporary files: " + e, e);
        }
        folder.toFile().deleteOnExit();
        return new JvmPair(plan, folder);
    }

    private String awaitAddress() {
        try {
            var line = prefill.receive(START);
            if (!line.startsWith(LISTENING)) {
                throw new TransferException(
                        ErrorCode.INTERNAL, "the prefill process said '" + line + "'");
            }
            return line.substring(LISTENING.length());
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    @Override
    public SplitRun run(Step step, List<Integer> prompt, int maxTokens) {
        var order =
                new DecodeWorker.Order(
                        address,
                        step.wire(),
                        step.codec(),
                        step.decodeShape(),
                        step.transferMode(),
                        prompt,
                        maxTokens);
        try {
            decode.send(DecodeWorker.MAPPER.writeValueAsString(order));
            var answer = decode.receive(RUN);
            return switch (DecodeWorker.MAPPER.readValue(answer, DecodeWorker.Result.class)) {
                case DecodeWorker.Done done -> done.run();
                case DecodeWorker.Failed failed ->
                        throw new TransferException(ErrorCode.INTERNAL, failed.message());
            };
        } catch (JsonProcessingException e) {
            throw new TransferException(
                    ErrorCode.MALFORMED, "the decode process gave no result: " + e, e);
        }
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
