/**
 * The contract of kvwire: layouts, caches, block tables, transfers, streams, leases and their
 * errors, and the service interfaces that wires and codecs implement.
 */
module io.kvwire.transport {
    exports io.kvwire.transport;
    exports io.kvwire.transport.spi;

    uses io.kvwire.transport.spi.ControlChannelProvider;
    uses io.kvwire.transport.spi.DataPathProvider;
    uses io.kvwire.transport.spi.KvCodecProvider;
}
