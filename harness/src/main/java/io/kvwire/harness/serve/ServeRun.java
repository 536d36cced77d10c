package io.kvwire.harness.serve;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * Two fleets of the same size, coupled and decoupled, and the router before them. Rates take turns
 * between the two. One thread runs it; workers' events come from a thread each.
 */
final class ServeRun implements AutoCloseable {
    private static final long SAMPLE_MILLIS = 50;
    private static final double PATIENCE_SECONDS = 120;
    private static final int CAPACITY_ROUNDS = 3;
    private static final int CAPACITY_TOKENS = 16;

    private final Settings settings;
    private final Optional<ServeMetrics> metrics;
    private final Consumer<String> progress;
    private final AtomicLong ids = new AtomicLong();
    private final Map<Long, RequestLog> running = new ConcurrentHashMap<>();
    private final List<Fleet> fleets = new ArrayList<>();
    private volatile String lost = "";
    private Optional<Capacity> capacity = Optional.empty();

    /**
     * What to run.
     *
     * @param model of every worker
     * @param vocabulary of it
     * @param prefillers processes that prefill when decoupled
     * @param decoders processes that decode then
     * @param rates requests per second, one run each
     * @param loads instead of rates, shares of {@link Capacity}; empty for rates
     * @param seconds of requests in each run
     * @param lengths of prompts, in tokens
     * @param outputTokens of each request
     * @param threshold see {@link RoutingPolicy}
     * @param cacheTokens of each worker
     * @param path between workers, or best
     * @param trace to replay instead of rates
     * @param seed of the requests
     */
    record Settings(
            String model,
            int vocabulary,
            int prefillers,
            int decoders,
            List<Double> rates,
            List<Double> loads,
            double seconds,
            List<Integer> lengths,
            int outputTokens,
            int threshold,
            int cacheTokens,
            String path,
            Optional<LoadPlan> trace,
            long seed) {}

    private record Fleet(String mode, List<Worker> workers, RoutingPolicy policy) {}

    ServeRun(Settings settings, Optional<ServeMetrics> metrics, Consumer<String> progress) {
        this.settings = settings;
        this.metrics = metrics;
        this.progress = progress;
        try {
            fleets.add(coupled());
            fleets.add(decoupled());
        } catch (RuntimeException e) {
            close();
            throw e;
        }
        fleets.forEach(
                fleet -> metrics.ifPresent(shown -> shown.watch(fleet.mode(), fleet.workers())));
    }

    private Fleet coupled() {
        var all = workers("coupled", settings.prefillers() + settings.decoders());
        return new Fleet("coupled", all, new RoutingPolicy(List.of(), all, settings.threshold()));
    }

    private Fleet decoupled() {
        var prefillers = workers("prefill", settings.prefillers());
        List<Worker> decoders;
        try {
            decoders = workers("decode", settings.decoders());
        } catch (RuntimeException e) {
            prefillers.forEach(Worker::close);
            throw e;
        }
        var all = new ArrayList<>(prefillers);
        all.addAll(decoders);
        return new Fleet(
                "decoupled", all, new RoutingPolicy(prefillers, decoders, settings.threshold()));
    }

    private List<Worker> workers(String role, int count) {
        var made = new ArrayList<Worker>();
        try {
            IntStream.range(0, count).forEach(i -> made.add(worker(role + "-" + i)));
        } catch (RuntimeException e) {
            made.forEach(Worker::close);
            throw e;
        }
        return made;
    }

    private Worker worker(String name) {
        progress.accept("starting " + name);
        return new Worker(
                name,
                List.of(
                        "serve-worker",
                        "--model",
                        settings.model(),
                        "--cache-tokens",
                        Integer.toString(settings.cacheTokens()),
                        "--path",
                        settings.path(),
                        "--name",
                        name),
                this::told);
    }

    /** Runs every rate in both modes. */
    List<ServeReport.Run> run() {
        for (var fleet : fleets) {
            warmUp(fleet);
        }
        var runs = new ArrayList<ServeReport.Run>();
        // Both modes see the same requests at the same times.
        plans().forEach((rate, plan) -> {
            for (var fleet : fleets) {
                progress.accept("%s, %.2g requests/s".formatted(fleet.mode(), rate));
                runs.add(play(fleet, rate, plan));
            }
        });
        return runs;
    }

    private Map<Double, LoadPlan> plans() {
        if (settings.trace().isPresent()) {
            return Map.of(settings.trace().get().rate(), settings.trace().get());
        }
        Map<Double, LoadPlan> plans = new TreeMap<>();
        for (double rate : rates()) {
            plans.put(rate, poisson(rate, settings.seconds(), Math.round(rate * 1000)));
        }
        return plans;
    }

    private List<Double> rates() {
        if (settings.loads().isEmpty()) {
            return settings.rates();
        }
        var measured = measureCapacity(fleets.getLast());
        capacity = Optional.of(measured);
        return settings.loads().stream().map(l -> l * measured.requestsPerSecond()).toList();
    }

    /** What was measured to make rates of loads. */
    Optional<Capacity> capacity() {
        return capacity;
    }

    /** One request after the other, each of a new prompt; none of it counts. */
    private Capacity measureCapacity(Fleet fleet) {
        progress.accept("measuring what the processes can do");
        double prefill = 0;
        double token = 0;
        for (int length : settings.lengths()) {
            double first = Double.MAX_VALUE;
            for (int i = 0; i < CAPACITY_ROUNDS; i++) {
                var plan =
                        LoadPlan.single(
                                length,
                                Math.min(CAPACITY_TOKENS, settings.outputTokens()),
                                settings.vocabulary(),
                                settings.seed() + 1000L * length + i);
                var run = play(fleet, 1, plan);
                first = Math.min(first, run.ttft().p50() / 1e3);
                token = Math.max(token, run.itl().p50() / 1e3);
            }
            boolean stays = RoutingPolicy.stays(length, 0, settings.threshold());
            prefill += stays ? 0 : first / settings.lengths().size();
        }
        return new Capacity(
                prefill,
                token * settings.outputTokens(),
                settings.prefillers(),
                settings.decoders());
    }

    private LoadPlan poisson(double rate, double seconds, long seed) {
        return LoadPlan.poisson(
                rate,
                seconds,
                settings.lengths(),
                settings.outputTokens(),
                settings.vocabulary(),
                settings.seed() + seed);
    }

    /** Connects everybody and lets the model run compiled; none of it counts. */
    private void warmUp(Fleet fleet) {
        int rounds = 2 * fleet.workers().size();
        for (int i = 0; i < rounds; i++) {
            play(fleet, 1000, poisson(1000, 0.005, 7 + i));
        }
    }

    private ServeReport.Run play(Fleet fleet, double rate, LoadPlan plan) {
        long start = System.nanoTime();
        var logs = new ArrayList<RequestLog>();
        var samples = new ArrayList<ServeReport.Sample>();
        int next = 0;
        while (next < plan.arrivals().size() || logs.stream().anyMatch(log -> !log.ended())) {
            double now = (System.nanoTime() - start) / 1e9;
            while (next < plan.arrivals().size() && plan.arrivals().get(next).seconds() <= now) {
                logs.add(send(fleet, plan.arrivals().get(next)));
                next++;
            }
            samples.add(sample(fleet, now));
            double until =
                    next < plan.arrivals().size()
                            ? plan.arrivals().get(next).seconds() - now
                            : SAMPLE_MILLIS / 1e3;
            pause(Math.min(SAMPLE_MILLIS / 1e3, until));
            if (!lost.isEmpty() || now > lastArrival(plan) + PATIENCE_SECONDS) {
                throw new TransferException(
                        ErrorCode.PEER_LOST,
                        lost.isEmpty() ? "requests do not end; lower --rates" : lost);
            }
        }
        double took = (System.nanoTime() - start) / 1e9;
        return summary(fleet, rate, logs, samples, start, took);
    }

    private static double lastArrival(LoadPlan plan) {
        return plan.arrivals().isEmpty() ? 0 : plan.arrivals().getLast().seconds();
    }

    private static void pause(double seconds) {
        try {
            Thread.sleep((long) (Math.max(seconds, 0) * 1e3), (int) (seconds * 1e9 % 1e6));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TransferException(ErrorCode.CANCELLED, "interrupted", e);
        }
    }

    private RequestLog send(Fleet fleet, LoadPlan.Arrival arrival) {
        var prompt = arrival.prompt();
        long id = ids.incrementAndGet();
        var choice = fleet.policy().choose(prompt);
        var log = new RequestLog(id, prompt, choice, System.nanoTime());
        running.put(id, log);
        choice.decoder().took();
        choice.prefiller().ifPresent(Worker::took);
        var prefill = choice.prefiller().map(Worker::address).orElse("");
        choice.decoder().send(new ServeOrder(id, prompt, arrival.maxTokens(), prefill));
        return log;
    }

    private static ServeReport.Sample sample(Fleet fleet, double now) {
        var states = fleet.workers().stream().map(Worker::state).toList();
        return new ServeReport.Sample(
                now,
                states.stream().mapToInt(ServeEvent.State::queued).sum(),
                states.stream().mapToInt(ServeEvent.State::active).sum(),
                fleet.workers().stream().mapToDouble(Worker::kvUse).max().orElse(0),
                states.stream().mapToInt(ServeEvent.State::leases).sum());
    }

    /** Called by the thread of a worker. */
    private void told(Worker worker, ServeEvent event) {
        switch (event) {
            case ServeEvent.Token token -> token(worker, token.id());
            case ServeEvent.Done done ->
                    end(
                            worker,
                            done.id(),
                            log -> {
                                worker.remember(log.prompt());
                                log.done(done.reusedTokens());
                            });
            case ServeEvent.Failed failed -> {
                if (failed.id() < 0) {
                    lost = failed.why();
                } else {
                    end(worker, failed.id(), log -> log.failed(failed.why()));
                }
            }
            case ServeEvent.Ready _, ServeEvent.State _ -> {}
        }
    }

    private void token(Worker worker, long id) {
        var log = running.get(id);
        boolean first = !log.hasTokens();
        long nanos = log.token(System.nanoTime());
        var mode = worker.name().startsWith("coupled") ? "coupled" : "decoupled";
        if (first) {
            // The prompt is computed; its prefiller is free for the next.
            log.choice().prefiller().ifPresent(Worker::finished);
            metrics.ifPresent(shown -> shown.firstToken(mode, log.split(), nanos));
        } else {
            metrics.ifPresent(shown -> shown.nextToken(mode, nanos));
        }
    }

    private void end(Worker worker, long id, Consumer<RequestLog> how) {
        var log = running.remove(id);
        worker.finished();
        if (!log.hasTokens()) {
            log.choice().prefiller().ifPresent(Worker::finished);
        }
        how.accept(log);
    }

    private ServeReport.Run summary(
            Fleet fleet,
            double rate,
            List<RequestLog> logs,
            List<ServeReport.Sample> samples,
            long start,
            double took) {
        var good = logs.stream().filter(log -> log.failure().isEmpty()).toList();
        var gaps = new ArrayList<ServeReport.Gap>();
        for (var log : good) {
            var millis = log.gapsMillis();
            var ends = log.gapEnds(start);
            for (int i = 0; i < millis.size(); i++) {
                gaps.add(ServeReport.Gap.of(ends.get(i), millis.get(i)));
            }
        }
        return new ServeReport.Run(
                fleet.mode(),
                rate,
                logs.size(),
                logs.size() - good.size(),
                good.stream().mapToInt(RequestLog::reused).sum(),
                ServeReport.Percentiles.of(good.stream().map(RequestLog::ttftMillis).toList()),
                ServeReport.Percentiles.of(gaps.stream().map(ServeReport.Gap::millis).toList()),
                (gaps.size() + good.size()) / took,
                lengths(logs),
                samples,
                gaps);
    }

    private static List<ServeReport.Length> lengths(List<RequestLog> logs) {
        var byLength = new TreeMap<Integer, List<RequestLog>>();
        logs.forEach(log ->
                byLength.computeIfAbsent(log.promptTokens(), key -> new ArrayList<>()).add(log));
        return byLength.entrySet().stream()
                .map(e ->
                        new ServeReport.Length(
                                e.getKey(),
                                e.getValue().size(),
                                (int) e.getValue().stream().filter(RequestLog::split).count()))
                .toList();
    }

    @Override
    public void close() {
        fleets.forEach(fleet -> fleet.workers().forEach(Worker::close));
    }
}
