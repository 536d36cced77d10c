package io.kvwire.harness.demo;

import io.kvwire.harness.device.ComputeDevices;
import io.kvwire.harness.model.LlamaOptions;
import io.kvwire.harness.model.LoadedModel;
import io.kvwire.harness.split.Seat;
import io.kvwire.harness.split.SingleProcess;
import io.kvwire.harness.split.SplitRun;
import io.kvwire.harness.timeline.ChromeTrace;
import io.kvwire.pcie.SharedArena;
import io.kvwire.transport.CodecConfig;
import io.kvwire.transport.TransferException;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Runs the whole demo: step 0 in this process, steps 1 and 3 in child processes. Confined to one
 * thread.
 */
public final class DemoRun {
    /** Chunks of a prompt, in every seat. */
    static final int CHUNK_TOKENS = 128;

    private final Settings settings;
    private final Consumer<String> progress;
    private final Demo demo;
    private final List<Row> rows = new ArrayList<>();
    private final List<String> remarks = new ArrayList<>();

    /** What lies between the two processes of step 1. */
    public enum Link {
        /** Loopback or memory, as fast as it goes. */
        FREE,
        /** Loopback at a realistic rate. */
        LIMITED
    }

    /**
     * What to run.
     *
     * @param modelName what the children load
     * @param model the same, in memory
     * @param prompt token ids
     * @param maxTokens the most tokens to make
     * @param rounds counted rounds of each step
     * @param steps numbers of the steps to run; step 0 is always run
     * @param links which rows of step 1 to run
     * @param path the wire of the steps that have one
     * @param codec shown beside raw on the slow link
     * @param bytesPerSecond the limited rate
     * @param threads that compute in each process on the processor; 0 for all cores
     * @param budget after which no further round begins
     * @param verbose whether to show what the children log
     */
    public record Settings(
            String modelName,
            LoadedModel model,
            List<Integer> prompt,
            int maxTokens,
            int rounds,
            Set<String> steps,
            Set<Link> links,
            String path,
            String codec,
            long bytesPerSecond,
            int threads,
            Duration budget,
            boolean verbose) {
        /** Copies the collections. */
        public Settings {
            prompt = List.copyOf(prompt);
            steps = Set.copyOf(steps);
            links = Set.copyOf(links);
        }
    }

    /**
     * Prepares a run.
     *
     * @param settings what to run
     * @param progress told what is going on, in a few words
     */
    public DemoRun(Settings settings, Consumer<String> progress) {
        this.settings = settings;
        this.progress = progress;
        demo =
                new Demo(
                        settings.prompt(),
                        settings.maxTokens(),
                        settings.rounds(),
                        settings.bytesPerSecond(),
                        progress);
    }

    /**
     * Runs everything.
     *
     * @param onTokens learns of step 0's tokens, as soon as they are known
     * @return the rows
     */
    public DemoReport run(Consumer<List<Integer>> onTokens) {
        long begin = System.nanoTime();
        single();
        onTokens.accept(demo.expected());
        var devices = new DemoDevices(settings.steps());
        remarks.addAll(devices.remarks());
        devices.alone().forEach(this::alone);
        var hosts = hosts();
        try {
            inTwo(oneHost(devices), hosts, hosts.isEmpty() ? List.of() : twoHosts(devices), begin);
        } finally {
            hosts.ifPresent(TwoHosts::close);
        }
        return new DemoReport(rows, (System.nanoTime() - begin) / 1e9);
    }

    /** {@return where the time of each step's typical round went, for a viewer} */
    public ChromeTrace trace() {
        var trace = new ChromeTrace();
        demo.timelines()
                .forEach((step, timeline) ->
                        trace.add(step.title(settings.bytesPerSecond()), timeline));
        return trace;
    }

    /** {@return what could not be tried and why, one line each} */
    public List<String> remarks() {
        return List.copyOf(remarks);
    }

    /** Whether the user has asked for another wire than the usual one, and so for no other. */
    private boolean onePath() {
        return !settings.path().equals(Step.USUAL);
    }

    /**
     * Steps that take turns.
     *
     * @param steps each once in every round
     * @param share of the budget, from the demo's beginning, after which no further round begins
     */
    private record Group(List<Step> steps, double share) {}

    /** Groups of steps in two processes of one host, less the steps that it cannot run. */
    private List<Group> oneHost(DemoDevices devices) {
        var groups = new ArrayList<Group>();
        if (settings.steps().contains("1")) {
            var why = SharedArena.unavailable();
            if (why.isPresent() && !onePath()) {
                remarks.add("steps over " + Step.SHARED_MEMORY + " were left out: " + why.get());
            }
            if (settings.links().contains(Link.FREE)) {
                groups.add(new Group(possible(freeRate()), 0.5));
            }
            if (settings.links().contains(Link.LIMITED)) {
                groups.add(new Group(limitedRate(), 0.6));
            }
        }
        var between = devices.oneHost();
        for (int i = 0; i < between.size(); i++) {
            double share = 0.6 + 0.3 * (i + 1) / between.size();
            groups.add(new Group(possible(between.get(i)), share));
        }
        return settings.steps().contains("3") ? groups : stretched(groups);
    }

    /** The same groups, the last of which has until the end. */
    private static List<Group> stretched(List<Group> groups) {
        return groups.stream()
                .map(each -> new Group(each.steps(), each.share() / groups.getLast().share()))
                .toList();
    }

    /** Steps on one host as fast as they go, with the file in the codec beside the raw one. */
    private List<Step> freeRate() {
        var steps = new ArrayList<>(Step.ONE_HOST);
        if (!settings.codec().equals(Step.RAW) && !settings.codec().equals(CodecConfig.AUTO_NAME)) {
            steps.add(1, Step.FILE.in(settings.codec()));
        }
        return steps;
    }

    private List<Step> possible(List<Step> steps) {
        boolean all = SharedArena.unavailable().isEmpty() && !onePath();
        return steps.stream()
                .filter(step -> all || !step.path().equals(Step.SHARED_MEMORY))
                .toList();
    }

    /** Steps on a slow link, where a codec pays: raw, and beside it the codec. */
    private List<Step> limitedRate() {
        var steps = new ArrayList<>(Step.LIMITED_RATE);
        if (!settings.codec().equals(Step.RAW)) {
            Step.LIMITED_RATE.forEach(step -> steps.add(step.in(settings.codec())));
        }
        return steps;
    }

    private long budget(double share) {
        return (long) (settings.budget().toNanos() * share);
    }

    private void single() {
        var process = new SingleProcess(Seat.of(settings.model()).withOptions(computing()));
        try (Processes single = new InProcess(process)) {
            rows.add(demo.single(single));
        }
    }

    private LlamaOptions computing() {
        var all = LlamaOptions.defaults().withChunkTokens(CHUNK_TOKENS);
        return settings.threads() == 0 ? all : all.withThreads(settings.threads());
    }

    /** One process on a device, beside step 0. */
    private void alone(Step step) {
        try (var device = ComputeDevices.open(step.seats().prefill())) {
            var seat = Seat.of(settings.model()).withOptions(computing()).withDevice(device);
            try (Processes process = new InProcess(new SingleProcess(seat))) {
                rows.addAll(demo.group(List.of(step), process, System.nanoTime() + budget(0.03)));
            }
        } catch (TransferException e) {
            rows.add(Row.failed(step, step.note(0), e.getMessage()));
        }
    }

    private record InProcess(SingleProcess process) implements Processes {
        @Override
        public SplitRun run(Step step, List<Integer> prompt, int maxTokens) {
            int[] tokens = prompt.stream().mapToInt(Integer::intValue).toArray();
            return process.run(tokens, maxTokens, token -> {});
        }

        @Override
        public SplitRun handOver(Step step, List<Integer> prompt) {
            return run(step, prompt, 1); // In one process nothing is handed over.
        }

        @Override
        public void close() {
            process.close();
        }
    }

    /**
     * Runs groups of steps one after the other in two processes: first with both on one host, which
     * is that of decode where there are two, then with prefill in another process on its own.
     */
    private void inTwo(
            List<Group> oneHost, Optional<TwoHosts> hosts, List<Group> twoHosts, long begin) {
        if (oneHost.isEmpty() && twoHosts.isEmpty()) {
            return;
        }
        var here = hosts.map(TwoHosts::onDecodeHost).orElse(List.of());
        var near = new JvmPair.Prefill(here, "127.0.0.1", settings.codec());
        // What is on two hosts goes raw.
        var far =
                hosts.map(two ->
                        new JvmPair.Prefill(
                                two.onPrefillHost(), TwoHosts.PREFILL_ADDRESS, Step.RAW));
        var plan =
                new JvmPair.Plan(
                        settings.modelName(),
                        here,
                        onePath() ? settings.path() : "",
                        settings.bytesPerSecond(),
                        settings.threads(),
                        settings.verbose());
        var left = new ArrayDeque<Group>();
        left.addAll(oneHost);
        left.addAll(twoHosts);
        progress.accept("starting two processes");
        try (var processes = JvmPair.start(plan, oneHost.isEmpty() ? far.orElseThrow() : near)) {
            while (!left.isEmpty()) {
                if (left.size() == twoHosts.size() && !oneHost.isEmpty()) {
                    progress.accept("starting a process on another host");
                    processes.movePrefill(far.orElseThrow());
                }
                var group = left.getFirst();
                long deadline = begin + budget(group.share());
                rows.addAll(demo.group(overPath(group), processes, deadline));
                left.removeFirst();
            }
        } catch (TransferException e) {
            left.forEach(group -> failed(group, e));
        }
    }

    private void failed(Group group, TransferException why) {
        for (var step : overPath(group)) {
            rows.add(Row.failed(step, step.note(settings.bytesPerSecond()), why.getMessage()));
        }
    }

    private List<Step> overPath(Group group) {
        return group.steps().stream().map(step -> step.over(settings.path())).toList();
    }

    /** Two hosts for step 3, where it was asked for and this one can. */
    private Optional<TwoHosts> hosts() {
        if (!settings.steps().contains("3")) {
            return Optional.empty();
        }
        if (settings.path().equals("rdma")) {
            remarks.add(
                    "step 3 was left out: RDMA devices do not cross network namespaces; `kvwire rig"
                            + " demo` runs it between two virtual hosts");
            return Optional.empty();
        }
        progress.accept("making two network namespaces");
        try {
            return Optional.of(TwoHosts.create());
        } catch (TwoHosts.UnavailableException e) {
            remarks.add("step 3 was left out: " + e.getMessage());
            return Optional.empty();
        }
    }

    private static List<Group> twoHosts(DemoDevices devices) {
        var groups = new ArrayList<Group>();
        groups.add(new Group(Step.TWO_HOSTS, 0.95));
        devices.twoHosts().ifPresent(seats -> groups.add(new Group(between(seats), 1)));
        return groups;
    }

    private static List<Step> between(Step.Seats seats) {
        return Step.TWO_HOSTS.stream().map(step -> step.between(seats)).toList();
    }
}
