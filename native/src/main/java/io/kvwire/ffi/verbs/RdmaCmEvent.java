package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.StructLayout;

/**
 * {@code struct rdma_cm_event} of {@code rdma/rdma_cma.h}. Something that happened to a connection.
 */
final class RdmaCmEvent {

    static final StructLayout LAYOUT =
            CStruct.of(
                    "rdma_cm_event",
                    ADDRESS.withName("id"),
                    ADDRESS.withName("listen_id"),
                    JAVA_INT.withName("event"),
                    JAVA_INT.withName("status"),
                    CStruct.unionOf(
                                    RdmaConnParam.LAYOUT.withName("conn"),
                                    CStruct.structOf(
                                                    ADDRESS.withName("private_data"),
                                                    JAVA_BYTE.withName("private_data_len"),
                                                    IbvAhAttr.LAYOUT.withName("ah_attr"),
                                                    JAVA_INT.withName("qp_num"),
                                                    JAVA_INT.withName("qkey"))
                                            .withName("ud"))
                            .withName("param"));

    static final long ID = CStruct.offset(LAYOUT, "id");
    static final long LISTEN_ID = CStruct.offset(LAYOUT, "listen_id");
    static final long EVENT = CStruct.offset(LAYOUT, "event");
    static final long STATUS = CStruct.offset(LAYOUT, "status");
    static final long CONN = CStruct.offset(LAYOUT, "param", "conn");

    private RdmaCmEvent() {}
}
