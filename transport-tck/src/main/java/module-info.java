import io.kvwire.tck.memory.MemoryControlProvider;
import io.kvwire.tck.memory.MemoryPathProvider;

/**
 * The conformance suite that every wire passes, the in-memory wire that is its reference, and the
 * fault injector.
 */
module io.kvwire.tck {
    requires java.management;
    requires transitive io.kvwire.transport;
    requires transitive org.junit.jupiter.api;
    requires org.junit.jupiter.params;
    requires org.opentest4j;

    exports io.kvwire.tck;
    exports io.kvwire.tck.codec;
    exports io.kvwire.tck.fault;
    exports io.kvwire.tck.memory;

    opens io.kvwire.tck to
            org.junit.platform.commons;

    provides io.kvwire.transport.spi.ControlChannelProvider with
            MemoryControlProvider;
    provides io.kvwire.transport.spi.DataPathProvider with
            MemoryPathProvider;
}
