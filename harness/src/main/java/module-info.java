/** A small Llama with a paged KV cache, its prefill and decode halves, and the command line. */
module io.kvwire.harness {
    requires ai.djl.tokenizers;
    requires com.fasterxml.jackson.annotation;
    requires com.fasterxml.jackson.databind;
    requires HdrHistogram;
    requires info.picocli;
    requires io.kvwire.codec;
    requires io.kvwire.ffi;
    requires io.kvwire.pcie;
    requires io.kvwire.rdma;
    requires io.kvwire.tcp;
    requires transitive io.kvwire.transport;
    requires java.desktop;
    requires java.logging;
    requires java.management;
    requires jdk.httpserver;
    requires jdk.incubator.vector;
    requires jdk.management;
    requires micrometer.core;
    requires micrometer.registry.prometheus;
    requires org.knowm.xchart;
    requires org.slf4j;

    exports io.kvwire.harness.demo;
    exports io.kvwire.harness.device;
    exports io.kvwire.harness.math;
    exports io.kvwire.harness.model;
    exports io.kvwire.harness.split;
    exports io.kvwire.harness.timeline;
    exports io.kvwire.harness.tokenizer;
    exports io.kvwire.harness.weights;

    uses io.kvwire.harness.device.ComputeDeviceProvider;

    provides io.kvwire.harness.device.ComputeDeviceProvider with
            io.kvwire.harness.device.CpuDeviceProvider,
            io.kvwire.harness.cuda.CudaDeviceProvider,
            io.kvwire.harness.xpu.XpuDeviceProvider;

    opens io.kvwire.harness.bench to
            com.fasterxml.jackson.databind,
            info.picocli;
    opens io.kvwire.harness.bench.worker to
            com.fasterxml.jackson.databind,
            info.picocli;
    opens io.kvwire.harness.cli to
            info.picocli;
    opens io.kvwire.harness.demo to
            com.fasterxml.jackson.databind;
    opens io.kvwire.harness.doctor to
            com.fasterxml.jackson.databind,
            info.picocli;
    opens io.kvwire.harness.model to
            com.fasterxml.jackson.databind;
    opens io.kvwire.harness.options to
            info.picocli;
    opens io.kvwire.harness.perf to
            com.fasterxml.jackson.databind,
            info.picocli;
    opens io.kvwire.harness.quality to
            com.fasterxml.jackson.databind,
            info.picocli;
    opens io.kvwire.harness.serve to
            com.fasterxml.jackson.databind,
            info.picocli;
    opens io.kvwire.harness.split to
            com.fasterxml.jackson.databind;
    opens io.kvwire.harness.timeline to
            com.fasterxml.jackson.databind;
}
