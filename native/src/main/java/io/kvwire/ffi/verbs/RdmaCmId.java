package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.StructLayout;

/** {@code struct rdma_cm_id} of {@code rdma/rdma_cma.h}. One end of a connection. */
final class RdmaCmId {

    static final StructLayout LAYOUT =
            CStruct.of(
                    "rdma_cm_id",
                    ADDRESS.withName("verbs"),
                    ADDRESS.withName("channel"),
                    ADDRESS.withName("context"),
                    ADDRESS.withName("qp"),
                    CStruct.structOf(
                                    CStruct.structOf(
                                                    MemoryLayout.sequenceLayout(16, JAVA_LONG)
                                                            .withName("src_storage"),
                                                    MemoryLayout.sequenceLayout(16, JAVA_LONG)
                                                            .withName("dst_storage"),
                                                    CStruct.structOf(
                                                                    CStruct.structOf(
                                                                                    Gid.UNION
                                                                                            .withName(
                                                                                                    "sgid"),
                                                                                    Gid.UNION
                                                                                            .withName(
                                                                                                    "dgid"),
                                                                                    JAVA_SHORT
                                                                                            .withName(
                                                                                                    "pkey"))
                                                                            .withName("ibaddr"))
                                                            .withName("addr"))
                                            .withName("addr"),
                                    ADDRESS.withName("path_rec"),
                                    JAVA_INT.withName("num_paths"))
                            .withName("route"),
                    JAVA_INT.withName("ps"),
                    JAVA_BYTE.withName("port_num"),
                    ADDRESS.withName("event"),
                    ADDRESS.withName("send_cq_channel"),
                    ADDRESS.withName("send_cq"),
                    ADDRESS.withName("recv_cq_channel"),
                    ADDRESS.withName("recv_cq"),
                    ADDRESS.withName("srq"),
                    ADDRESS.withName("pd"),
                    JAVA_INT.withName("qp_type"));

    static final long VERBS = CStruct.offset(LAYOUT, "verbs");
    static final long DST = CStruct.offset(LAYOUT, "route", "addr", "dst_storage");
    static final long DST_BYTES = 16 * Long.BYTES;

    private RdmaCmId() {}
}
