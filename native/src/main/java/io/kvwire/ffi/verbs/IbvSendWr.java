package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.StructLayout;

/**
 * {@code struct ibv_send_wr} of {@code infiniband/verbs.h}. A request to send, write, read, bind or
 * invalidate.
 */
final class IbvSendWr {

    static final StructLayout LAYOUT =
            CStruct.of(
                    "ibv_send_wr",
                    JAVA_LONG.withName("wr_id"),
                    ADDRESS.withName("next"),
                    ADDRESS.withName("sg_list"),
                    JAVA_INT.withName("num_sge"),
                    JAVA_INT.withName("opcode"),
                    JAVA_INT.withName("send_flags"),
                    JAVA_INT.withName("imm_data"),
                    CStruct.unionOf(
                                    CStruct.structOf(
                                                    JAVA_LONG.withName("remote_addr"),
                                                    JAVA_INT.withName("rkey"))
                                            .withName("rdma"),
                                    CStruct.structOf(
                                                    JAVA_LONG.withName("remote_addr"),
                                                    JAVA_LONG.withName("compare_add"),
                                                    JAVA_LONG.withName("swap"),
                                                    JAVA_INT.withName("rkey"))
                                            .withName("atomic"))
                            .withName("wr"),
                    CStruct.structOf(
                                    CStruct.structOf(JAVA_INT.withName("remote_srqn"))
                                            .withName("xrc"))
                            .withName("qp_type"),
                    CStruct.structOf(
                                    ADDRESS.withName("mw"),
                                    JAVA_INT.withName("rkey"),
                                    IbvMwBindInfo.LAYOUT.withName("bind_info"))
                            .withName("bind_mw"));

    static final long WR_ID = CStruct.offset(LAYOUT, "wr_id");
    static final long NEXT = CStruct.offset(LAYOUT, "next");
    static final long SG_LIST = CStruct.offset(LAYOUT, "sg_list");
    static final long NUM_SGE = CStruct.offset(LAYOUT, "num_sge");
    static final long OPCODE = CStruct.offset(LAYOUT, "opcode");
    static final long SEND_FLAGS = CStruct.offset(LAYOUT, "send_flags");
    static final long IMM_DATA = CStruct.offset(LAYOUT, "imm_data");
    static final long REMOTE_ADDR = CStruct.offset(LAYOUT, "wr", "rdma", "remote_addr");
    static final long RKEY = CStruct.offset(LAYOUT, "wr", "rdma", "rkey");
    static final long BIND_WINDOW = CStruct.offset(LAYOUT, "bind_mw", "mw");
    static final long BIND_RKEY = CStruct.offset(LAYOUT, "bind_mw", "rkey");
    static final long BIND_INFO = CStruct.offset(LAYOUT, "bind_mw", "bind_info");

    private IbvSendWr() {}
}
