package io.kvwire.harness.serve;

import com.sun.net.httpserver.HttpServer;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Timer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;

/**
 * The same figures while they come about, for Prometheus: {@code GET /metrics} on loopback. The
 * dashboard in benchmarks/grafana shows them. Thread-safe.
 */
final class ServeMetrics implements AutoCloseable {
    private final PrometheusMeterRegistry registry =
            new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final HttpServer server;

    /** Starts to serve; port 0 takes any. */
    ServeMetrics(int port) throws IOException {
        server =
                HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        server.createContext(
                "/metrics",
                exchange -> {
                    byte[] page = registry.scrape().getBytes(StandardCharsets.UTF_8);
                    exchange.getResponseHeaders()
                            .set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
                    exchange.sendResponseHeaders(200, page.length);
                    try (var body = exchange.getResponseBody()) {
                        body.write(page);
                    }
                });
        server.start();
    }

    int port() {
        return server.getAddress().getPort();
    }

    /** Shows workers of a mode. */
    void watch(String mode, List<Worker> workers) {
        for (var worker : workers) {
            Gauge.builder("kvwire.serve.queue", worker, w -> w.state().queued())
                    .description("requests and prompts that wait")
                    .tags("mode", mode, "worker", worker.name())
                    .register(registry);
            Gauge.builder("kvwire.serve.active", worker, w -> w.state().active())
                    .description("sequences that decode")
                    .tags("mode", mode, "worker", worker.name())
                    .register(registry);
            Gauge.builder("kvwire.serve.kv.use", worker, Worker::kvUse)
                    .description("share of the cache's blocks in use")
                    .tags("mode", mode, "worker", worker.name())
                    .register(registry);
        }
    }

    void firstToken(String mode, boolean split, long nanos) {
        Timer.builder("kvwire.serve.ttft")
                .description("time to first token")
                .tags("mode", mode, "split", Boolean.toString(split))
                .publishPercentileHistogram()
                .register(registry)
                .record(Duration.ofNanos(nanos));
    }

    void nextToken(String mode, long nanos) {
        Timer.builder("kvwire.serve.itl")
                .description("time between tokens")
                .tags("mode", mode)
                .publishPercentileHistogram()
                .register(registry)
                .record(Duration.ofNanos(nanos));
    }

    @Override
    public void close() {
        server.stop(0);
        registry.close();
    }
}
