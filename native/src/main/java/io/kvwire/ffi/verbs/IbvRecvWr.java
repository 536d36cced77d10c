package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.StructLayout;

/** {@code struct ibv_recv_wr} of {@code infiniband/verbs.h}. A request to receive. */
final class IbvRecvWr {

    static final StructLayout LAYOUT =
            CStruct.of(
                    "ibv_recv_wr",
                    JAVA_LONG.withName("wr_id"),
                    ADDRESS.withName("next"),
                    ADDRESS.withName("sg_list"),
                    JAVA_INT.withName("num_sge"));

    static final long WR_ID = CStruct.offset(LAYOUT, "wr_id");
    static final long NEXT = CStruct.offset(LAYOUT, "next");
    static final long SG_LIST = CStruct.offset(LAYOUT, "sg_list");
    static final long NUM_SGE = CStruct.offset(LAYOUT, "num_sge");

    private IbvRecvWr() {}
}
