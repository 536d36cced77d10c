package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.ADDRESS;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.StructLayout;

/**
 * {@code struct ibv_srq_init_attr} of {@code infiniband/verbs.h}. How a shared receive queue is
 * made.
 */
final class IbvSrqInitAttr {

    static final StructLayout LAYOUT =
            CStruct.of(
                    "ibv_srq_init_attr",
                    ADDRESS.withName("srq_context"),
                    IbvSrqAttr.LAYOUT.withName("attr"));

    static final long ATTR = CStruct.offset(LAYOUT, "attr");

    private IbvSrqInitAttr() {}
}
