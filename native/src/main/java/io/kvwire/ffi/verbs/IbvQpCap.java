package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.StructLayout;

/** {@code struct ibv_qp_cap} of {@code infiniband/verbs.h}. Capacity of a queue pair. */
final class IbvQpCap {

    static final StructLayout LAYOUT =
            CStruct.of(
                    "ibv_qp_cap",
                    JAVA_INT.withName("max_send_wr"),
                    JAVA_INT.withName("max_recv_wr"),
                    JAVA_INT.withName("max_send_sge"),
                    JAVA_INT.withName("max_recv_sge"),
                    JAVA_INT.withName("max_inline_data"));

    static final long MAX_SEND_WR = CStruct.offset(LAYOUT, "max_send_wr");
    static final long MAX_RECV_WR = CStruct.offset(LAYOUT, "max_recv_wr");
    static final long MAX_SEND_SGE = CStruct.offset(LAYOUT, "max_send_sge");
    static final long MAX_RECV_SGE = CStruct.offset(LAYOUT, "max_recv_sge");
    static final long MAX_INLINE_DATA = CStruct.offset(LAYOUT, "max_inline_data");

    private IbvQpCap() {}
}
