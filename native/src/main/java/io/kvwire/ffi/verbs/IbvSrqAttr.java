package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.StructLayout;

/**
 * {@code struct ibv_srq_attr} of {@code infiniband/verbs.h}. Capacity of a shared receive queue.
 */
final class IbvSrqAttr {

    static final StructLayout LAYOUT =
            CStruct.of(
                    "ibv_srq_attr",
                    JAVA_INT.withName("max_wr"),
                    JAVA_INT.withName("max_sge"),
                    JAVA_INT.withName("srq_limit"));

    static final long MAX_WR = CStruct.offset(LAYOUT, "max_wr");
    static final long MAX_SGE = CStruct.offset(LAYOUT, "max_sge");

    private IbvSrqAttr() {}
}
