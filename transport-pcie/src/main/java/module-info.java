/** The same-host data path: shared memory between processes, and memory of devices. */
module io.kvwire.pcie {
    requires transitive io.kvwire.transport;
    requires transitive io.kvwire.ffi;

    exports io.kvwire.pcie;
    exports io.kvwire.pcie.bounce;
    exports io.kvwire.pcie.cuda;
    exports io.kvwire.pcie.levelzero;
    exports io.kvwire.pcie.opencl;

    provides io.kvwire.transport.spi.DataPathProvider with
            io.kvwire.pcie.PcieDataPathProvider;
}
