package io.kvwire.harness.perf;

/** What {@code perf run} measures. */
enum PerfOp {
    /** The client pushes blocks to the server. */
    WRITE,
    /** The client pulls blocks from the server. */
    READ,
    /** A small message goes there and back. */
    NOTIFY
}
