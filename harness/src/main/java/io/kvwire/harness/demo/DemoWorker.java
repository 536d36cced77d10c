package io.kvwire.harness.demo;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.databind.json.JsonMapper;

import io.kvwire.harness.device.ComputeDevice;
import io.kvwire.harness.device.ComputeDevices;
import io.kvwire.harness.split.CacheShape;
import io.kvwire.harness.split.DecodeClient;
import io.kvwire.harness.split.PrefillServer;
import io.kvwire.harness.split.Seat;
import io.kvwire.harness.split.SplitRun;
import io.kvwire.harness.split.TransferMode;
import io.kvwire.harness.weights.ModelException;
import io.kvwire.transport.CodecConfig;
import io.kvwire.transport.NodeAddress;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.PathReport;
import io.kvwire.transport.TransferException;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringReader;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * One of the demo's two processes: takes one order per line and gives one result per line, both
 * JSON. The one is asked for prefill servers, the other to decode from them. Keeps devices,
 * servers, connections and caches between orders, so that all but the first run warm. Confined to
 * one thread.
 */
public final class DemoWorker implements AutoCloseable {
    private static final int REHEARSALS = 5;
    private static final int REHEARSED_TOKENS = 200;

    private final Seat seat;
    private final NodeConfig config;
    private final Path folder;
    private final Map<String, ComputeDevice> devices = new HashMap<>();
    private final Map<Serve, PrefillServer> servers = new HashMap<>();
    private final Map<Where, DecodeClient> clients = new HashMap<>();

    private record Where(
            String prefill, String device, String wire, String codec, CacheShape shape) {}

    /** What to do. */
    @JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
    @JsonSubTypes({
        @JsonSubTypes.Type(value = Serve.class, name = "serve"),
        @JsonSubTypes.Type(value = Decode.class, name = "decode")
    })
    sealed interface Order {}

    /**
     * Serve decode nodes.
     *
     * @param device computes the prompts, as {@code --device} takes it
     * @param bytesPerSecond limit on what is sent; 0 for none
     */
    record Serve(String device, long bytesPerSecond) implements Order {}

    /**
     * Have a prompt prefilled, and continue it.
     *
     * @param prefill where a prefill server listens
     * @param device continues the prompt, as {@code --device} takes it
     * @param wire the path that must be used, empty for the best
     * @param codec how blocks look on the wire
     * @param shape of decode's cache
     * @param mode how the cache gets here
     * @param prompt token ids
     * @param maxTokens the most tokens to make
     * @param again whether prefill may hand over what it still has of the prompt
     */
    record Decode(
            String prefill,
            String device,
            String wire,
            String codec,
            CacheShape shape,
            TransferMode mode,
            List<Integer> prompt,
            int maxTokens,
            boolean again)
            implements Order {
        static Decode of(Step step, String prefill, List<Integer> prompt, int maxTokens) {
            return of(step, prefill, prompt, maxTokens, false);
        }

        static Decode again(Step step, String prefill, List<Integer> prompt) {
            return of(step, prefill, prompt, 1, true);
        }

        private static Decode of(
                Step step, String prefill, List<Integer> prompt, int maxTokens, boolean again) {
            return new Decode(
                    prefill,
                    step.seats().decode(),
                    step.wire(),
                    step.codec(),
                    step.decodeShape(),
                    step.transferMode(),
                    prompt,
                    maxTokens,
                    again);
        }
    }

    /** What came of an order. */
    @JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
    @JsonSubTypes({
        @JsonSubTypes.Type(value = Serving.class, name = "serving"),
        @JsonSubTypes.Type(value = Decoded.class, name = "decoded"),
        @JsonSubTypes.Type(value = Failed.class, name = "failed")
    })
    sealed interface Result {}

    /**
     * The server is up.
     *
     * @param address where it listens
     */
    record Serving(String address) implements Result {}

    /**
     * The prompt was continued.
     *
     * @param run tokens and times
     * @param path how prefill was reached
     */
    record Decoded(SplitRun run, PathReport path) implements Result {}

    /**
     * It did not go well.
     *
     * @param message one line for the user
     */
    record Failed(String message) implements Result {}

    /** Orders and results on the pipes between the processes; thread-safe. */
    static final JsonMapper MAPPER = JsonMapper.builder().build();

    /**
     * Prepares to take orders.
     *
     * @param seat model and threads; each order brings its own device and shape
     * @param config of the nodes; where a server listens, and what all offer
     * @param folder for the mode file
     */
    public DemoWorker(Seat seat, NodeConfig config, Path folder) {
        this.seat = seat;
        this.config = config;
        this.folder = folder;
    }

    /**
     * Takes orders until there are no more.
     *
     * @param in one order per line
     * @param out one result per line
     * @throws IOException when the parent is gone
     */
    public void serve(BufferedReader in, PrintWriter out) throws IOException {
        for (var line = in.readLine(); line != null; line = in.readLine()) {
            out.println(
                    MAPPER.writerFor(Result.class)
                            .writeValueAsString(run(MAPPER.readValue(line, Order.class))));
            out.flush();
        }
    }

    /**
     * Serves and decodes in this process, as the demo does in two: each step of one host a few
     * times, with orders and results in JSON.
     *
     * @return how many runs went well
     * @throws IOException when JSON is not read as it was written
     */
    public int rehearse() throws IOException {
        int done = 0;
        if (rehearsed(new Serve(Step.Seats.CPU.prefill(), 0)) instanceof Serving(var address)) {
            var prompt = IntStream.rangeClosed(1, REHEARSED_TOKENS).boxed().toList();
            for (var step : Step.ONE_HOST) {
                for (int run = 0; run < REHEARSALS; run++) {
                    var result = rehearsed(Decode.of(step, address, prompt, 2));
                    done += result instanceof Decoded ? 1 : 0;
                }
            }
        }
        return done;
    }

    private Result rehearsed(Order order) throws IOException {
        var said = new StringWriter();
        var line = new StringReader(MAPPER.writerFor(Order.class).writeValueAsString(order));
        serve(new BufferedReader(line), new PrintWriter(said));
        return MAPPER.readValue(said.toString(), Result.class);
    }

    private Result run(Order order) {
        try {
            return switch (order) {
                case Serve serve -> serve(serve);
                case Decode decode -> decode(decode);
            };
        } catch (TransferException | ModelException e) {
            return new Failed(e.getMessage());
        }
    }

    private Serving serve(Serve order) {
        var server = servers.get(order);
        if (server == null) {
            var limited =
                    order.bytesPerSecond == 0
                            ? config
                            : config.withBytesPerSecond(order.bytesPerSecond);
            server = PrefillServer.start(on(order.device), limited, Optional.of(folder));
            servers.put(order, server);
        }
        return new Serving(server.address().toString());
    }

    private Decoded decode(Decode order) {
        var where = new Where(order.prefill, order.device, order.wire, order.codec, order.shape);
        var client = clients.get(where);
        if (client == null) {
            client = open(where);
            clients.put(where, client);
        }
        int[] prompt = order.prompt.stream().mapToInt(Integer::intValue).toArray();
        var run =
                order.again
                        ? client.handOver(prompt, order.mode, order.maxTokens)
                        : client.run(prompt, order.mode, order.maxTokens, token -> {});
        return new Decoded(run, client.path());
    }

    private DecodeClient open(Where where) {
        var address = NodeAddress.parse(where.prefill);
        var coded = config.withCodec(CodecConfig.parse(where.codec));
        var wired = where.wire.isEmpty() ? coded : coded.requiring(where.wire);
        return DecodeClient.connect(
                on(where.device).withShape(where.shape), wired, address, folder);
    }

    private Seat on(String device) {
        return seat.withDevice(devices.computeIfAbsent(device, ComputeDevices::open));
    }

    @Override
    public void close() {
        clients.values().forEach(DecodeClient::close);
        servers.values().forEach(PrefillServer::close);
        devices.values().forEach(ComputeDevice::close);
    }
}
