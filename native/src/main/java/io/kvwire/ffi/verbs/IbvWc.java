package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.StructLayout;

/** {@code struct ibv_wc} of {@code infiniband/verbs.h}. A completion. */
final class IbvWc {

    static final StructLayout LAYOUT =
            CStruct.of(
                    "ibv_wc",
                    JAVA_LONG.withName("wr_id"),
                    JAVA_INT.withName("status"),
                    JAVA_INT.withName("opcode"),
                    JAVA_INT.withName("vendor_err"),
                    JAVA_INT.withName("byte_len"),
                    JAVA_INT.withName("imm_data"),
                    JAVA_INT.withName("qp_num"),
                    JAVA_INT.withName("src_qp"),
                    JAVA_INT.withName("wc_flags"),
                    JAVA_SHORT.withName("pkey_index"),
                    JAVA_SHORT.withName("slid"),
                    JAVA_BYTE.withName("sl"),
                    JAVA_BYTE.withName("dlid_path_bits"));

    static final long WR_ID = CStruct.offset(LAYOUT, "wr_id");
    static final long STATUS = CStruct.offset(LAYOUT, "status");
    static final long OPCODE = CStruct.offset(LAYOUT, "opcode");
    static final long VENDOR_ERR = CStruct.offset(LAYOUT, "vendor_err");
    static final long BYTE_LEN = CStruct.offset(LAYOUT, "byte_len");
    static final long IMM_DATA = CStruct.offset(LAYOUT, "imm_data");
    static final long QP_NUM = CStruct.offset(LAYOUT, "qp_num");
    static final long WC_FLAGS = CStruct.offset(LAYOUT, "wc_flags");

    private IbvWc() {}
}
