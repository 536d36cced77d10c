package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.StructLayout;

/** {@code struct rdma_event_channel} of {@code rdma/rdma_cma.h}. A channel of connection events. */
final class RdmaEventChannel {

    static final StructLayout LAYOUT = CStruct.of("rdma_event_channel", JAVA_INT.withName("fd"));

    static final long FD = CStruct.offset(LAYOUT, "fd");

    private RdmaEventChannel() {}
}
