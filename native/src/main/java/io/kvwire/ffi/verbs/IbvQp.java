package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.StructLayout;

/** {@code struct ibv_qp} of {@code infiniband/verbs.h}. A queue pair. */
final class IbvQp {

    static final StructLayout LAYOUT =
            CStruct.of(
                    "ibv_qp",
                    ADDRESS.withName("context"),
                    ADDRESS.withName("qp_context"),
                    ADDRESS.withName("pd"),
                    ADDRESS.withName("send_cq"),
                    ADDRESS.withName("recv_cq"),
                    ADDRESS.withName("srq"),
                    JAVA_INT.withName("handle"),
                    JAVA_INT.withName("qp_num"),
                    JAVA_INT.withName("state"),
                    JAVA_INT.withName("qp_type"),
                    Pthread.MUTEX.withName("mutex"),
                    Pthread.COND.withName("cond"),
                    JAVA_INT.withName("events_completed"));

    static final long QP_NUM = CStruct.offset(LAYOUT, "qp_num");

    private IbvQp() {}
}
