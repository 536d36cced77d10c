package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.StructLayout;

/** {@code struct ibv_qp_init_attr} of {@code infiniband/verbs.h}. How a queue pair is made. */
final class IbvQpInitAttr {

    static final StructLayout LAYOUT =
            CStruct.of(
                    "ibv_qp_init_attr",
                    ADDRESS.withName("qp_context"),
                    ADDRESS.withName("send_cq"),
                    ADDRESS.withName("recv_cq"),
                    ADDRESS.withName("srq"),
                    IbvQpCap.LAYOUT.withName("cap"),
                    JAVA_INT.withName("qp_type"),
                    JAVA_INT.withName("sq_sig_all"));

    static final long SEND_CQ = CStruct.offset(LAYOUT, "send_cq");
    static final long RECV_CQ = CStruct.offset(LAYOUT, "recv_cq");
    static final long SRQ = CStruct.offset(LAYOUT, "srq");
    static final long CAP = CStruct.offset(LAYOUT, "cap");
    static final long QP_TYPE = CStruct.offset(LAYOUT, "qp_type");
    static final long SQ_SIG_ALL = CStruct.offset(LAYOUT, "sq_sig_all");

    private IbvQpInitAttr() {}
}
