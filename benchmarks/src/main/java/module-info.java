/** Micro-benchmarks and side-by-side runs, each with a baseline in the same run. */
module io.kvwire.bench {
    requires disni;
    requires io.kvwire.codec;
    requires io.kvwire.ffi;
    requires io.kvwire.harness;
    requires io.kvwire.pcie;
    requires io.kvwire.tck;
    requires io.kvwire.tcp;
    requires io.kvwire.transport;
    requires jmh.core;
}
