/** The conformance suite that every wire passes, with an in-memory wire and a fault injector. */
module io.kvwire.tck {
    requires transitive io.kvwire.transport;
    requires transitive org.junit.jupiter.api;
}
