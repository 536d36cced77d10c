package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.StructLayout;

/** {@code struct ibv_qp_attr} of {@code infiniband/verbs.h}. State and settings of a queue pair. */
final class IbvQpAttr {

    static final StructLayout LAYOUT =
            CStruct.of(
                    "ibv_qp_attr",
                    JAVA_INT.withName("qp_state"),
                    JAVA_INT.withName("cur_qp_state"),
                    JAVA_INT.withName("path_mtu"),
                    JAVA_INT.withName("path_mig_state"),
                    JAVA_INT.withName("qkey"),
                    JAVA_INT.withName("rq_psn"),
                    JAVA_INT.withName("sq_psn"),
                    JAVA_INT.withName("dest_qp_num"),
                    JAVA_INT.withName("qp_access_flags"),
                    IbvQpCap.LAYOUT.withName("cap"),
                    IbvAhAttr.LAYOUT.withName("ah_attr"),
                    IbvAhAttr.LAYOUT.withName("alt_ah_attr"),
                    JAVA_SHORT.withName("pkey_index"),
                    JAVA_SHORT.withName("alt_pkey_index"),
                    JAVA_BYTE.withName("en_sqd_async_notify"),
                    JAVA_BYTE.withName("sq_draining"),
                    JAVA_BYTE.withName("max_rd_atomic"),
                    JAVA_BYTE.withName("max_dest_rd_atomic"),
                    JAVA_BYTE.withName("min_rnr_timer"),
                    JAVA_BYTE.withName("port_num"),
                    JAVA_BYTE.withName("timeout"),
                    JAVA_BYTE.withName("retry_cnt"),
                    JAVA_BYTE.withName("rnr_retry"),
                    JAVA_BYTE.withName("alt_port_num"),
                    JAVA_BYTE.withName("alt_timeout"),
                    JAVA_INT.withName("rate_limit"));

    static final long QP_STATE = CStruct.offset(LAYOUT, "qp_state");
    static final long PATH_MTU = CStruct.offset(LAYOUT, "path_mtu");
    static final long RQ_PSN = CStruct.offset(LAYOUT, "rq_psn");
    static final long SQ_PSN = CStruct.offset(LAYOUT, "sq_psn");
    static final long DEST_QP_NUM = CStruct.offset(LAYOUT, "dest_qp_num");
    static final long QP_ACCESS_FLAGS = CStruct.offset(LAYOUT, "qp_access_flags");
    static final long AH_ATTR = CStruct.offset(LAYOUT, "ah_attr");
    static final long MAX_RD_ATOMIC = CStruct.offset(LAYOUT, "max_rd_atomic");
    static final long MAX_DEST_RD_ATOMIC = CStruct.offset(LAYOUT, "max_dest_rd_atomic");
    static final long MIN_RNR_TIMER = CStruct.offset(LAYOUT, "min_rnr_timer");
    static final long PORT_NUM = CStruct.offset(LAYOUT, "port_num");
    static final long TIMEOUT = CStruct.offset(LAYOUT, "timeout");
    static final long RETRY_CNT = CStruct.offset(LAYOUT, "retry_cnt");
    static final long RNR_RETRY = CStruct.offset(LAYOUT, "rnr_retry");

    private IbvQpAttr() {}
}
