package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.StructLayout;

/** {@code struct ibv_mr} of {@code infiniband/verbs.h}. A registered range of memory. */
final class IbvMr {

    static final StructLayout LAYOUT =
            CStruct.of(
                    "ibv_mr",
                    ADDRESS.withName("context"),
                    ADDRESS.withName("pd"),
                    ADDRESS.withName("addr"),
                    JAVA_LONG.withName("length"),
                    JAVA_INT.withName("handle"),
                    JAVA_INT.withName("lkey"),
                    JAVA_INT.withName("rkey"));

    static final long LKEY = CStruct.offset(LAYOUT, "lkey");
    static final long RKEY = CStruct.offset(LAYOUT, "rkey");

    private IbvMr() {}
}
