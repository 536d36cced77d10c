/**
 * The contract of kvwire: layouts, caches, block tables, transfers, streams, leases and their errors,
 * and the service interfaces that wires and codecs implement.
 */
module io.kvwire.transport {
}
