package io.kvwire.harness.demo;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.databind.json.JsonMapper;

import io.kvwire.harness.split.CacheShape;
import io.kvwire.harness.split.DecodeClient;
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
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The demo's decode process: one order per line in, one result per line out, both JSON. Keeps its
 * connections and caches between orders, so that all but the first run warm. Confined to one
 * thread.
 */
public final class DecodeWorker implements AutoCloseable {
    private final Seat seat;
    private final NodeConfig config;
    private final Path folder;
    private final Map<Where, DecodeClient> clients = new HashMap<>();

    private record Where(String prefill, String wire, String codec, CacheShape shape) {}

    /**
     * What to run.
     *
     * @param prefill where the prefill process listens
     * @param wire the path that must be used, empty for the best
     * @param codec how blocks look on the wire
     * @param shape of decode's cache
     * @param mode how the cache gets here
     * @param prompt token ids
     * @param maxTokens the most tokens to make
     */
    record Order(
            String prefill,
            String wire,
            String codec,
            CacheShape shape,
            TransferMode mode,
            List<Integer> prompt,
            int maxTokens) {}

    /** What came of an order. */
    @JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
    @JsonSubTypes({
        @JsonSubTypes.Type(value = Done.class, name = "done"),
        @JsonSubTypes.Type(value = Failed.class, name = "failed")
    })
    sealed interface Result {}

    /**
     * It went well.
     *
     * @param run tokens and times
     * @param path how prefill was reached
     */
    record Done(SplitRun run, PathReport path) implements Result {}

    /**
     * It did not.
     *
     * @param message one line for the user
     */
    record Failed(String message) implements Result {}

    /** Orders and results on the pipes between the processes; thread-safe. */
    static final JsonMapper MAPPER = JsonMapper.builder().build();

    /**
     * Prepares to take orders.
     *
     * @param seat model and threads; each order brings its own shape
     * @param config of the nodes that connect
     * @param folder for the mode file
     */
    public DecodeWorker(Seat seat, NodeConfig config, Path folder) {
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

    private Result run(Order order) {
        try {
            var where = new Where(order.prefill, order.wire, order.codec, order.shape);
            var client = clients.get(where);
            if (client == null) {
                client = open(where);
                clients.put(where, client);
            }
            int[] prompt = order.prompt.stream().mapToInt(Integer::intValue).toArray();
            var run = client.run(prompt, order.mode, order.maxTokens, token -> {});
            return new Done(run, client.path());
        } catch (TransferException | ModelException e) {
            return new Failed(e.getMessage());
        }
    }

    private DecodeClient open(Where where) {
        var address = NodeAddress.parse(where.prefill);
        var coded = config.withCodec(CodecConfig.parse(where.codec));
        var wired = where.wire.isEmpty() ? coded : coded.requiring(where.wire);
        return DecodeClient.connect(seat.withShape(where.shape), wired, address, folder);
    }

    @Override
    public void close() {
        clients.values().forEach(DecodeClient::close);
    }
}
