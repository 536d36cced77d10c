package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.StructLayout;

/**
 * {@code struct rdma_conn_param} of {@code rdma/rdma_cma.h}. How a connection is asked for or
 * accepted.
 */
final class RdmaConnParam {

    static final StructLayout LAYOUT =
            CStruct.of(
                    "rdma_conn_param",
                    ADDRESS.withName("private_data"),
                    JAVA_BYTE.withName("private_data_len"),
                    JAVA_BYTE.withName("responder_resources"),
                    JAVA_BYTE.withName("initiator_depth"),
                    JAVA_BYTE.withName("flow_control"),
                    JAVA_BYTE.withName("retry_count"),
                    JAVA_BYTE.withName("rnr_retry_count"),
                    JAVA_BYTE.withName("srq"),
                    JAVA_INT.withName("qp_num"));

    static final long PRIVATE_DATA = CStruct.offset(LAYOUT, "private_data");
    static final long PRIVATE_DATA_LEN = CStruct.offset(LAYOUT, "private_data_len");
    static final long RESPONDER_RESOURCES = CStruct.offset(LAYOUT, "responder_resources");
    static final long INITIATOR_DEPTH = CStruct.offset(LAYOUT, "initiator_depth");
    static final long RETRY_COUNT = CStruct.offset(LAYOUT, "retry_count");
    static final long RNR_RETRY_COUNT = CStruct.offset(LAYOUT, "rnr_retry_count");
    static final long SRQ = CStruct.offset(LAYOUT, "srq");
    static final long QP_NUM = CStruct.offset(LAYOUT, "qp_num");

    private RdmaConnParam() {}
}
