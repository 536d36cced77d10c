/** The same-host data path: shared memory between processes. */
module io.kvwire.pcie {
    requires transitive io.kvwire.transport;
    requires io.kvwire.ffi;

    exports io.kvwire.pcie;

    provides io.kvwire.transport.spi.DataPathProvider with
            io.kvwire.pcie.PcieDataPathProvider;
}
