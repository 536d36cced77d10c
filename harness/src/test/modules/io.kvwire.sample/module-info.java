/** An application on the module path: it asks for the contract, and services bring the rest. */
module io.kvwire.sample {
    requires io.kvwire.transport;
}
