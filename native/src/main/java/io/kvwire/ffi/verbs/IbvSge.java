package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.StructLayout;

/**
 * {@code struct ibv_sge} of {@code infiniband/verbs.h}. One piece of registered memory that a work
 * request reads or fills.
 */
final class IbvSge {

    static final StructLayout LAYOUT =
            CStruct.of(
                    "ibv_sge",
                    JAVA_LONG.withName("addr"),
                    JAVA_INT.withName("length"),
                    JAVA_INT.withName("lkey"));

    static final long ADDR = CStruct.offset(LAYOUT, "addr");
    static final long LENGTH = CStruct.offset(LAYOUT, "length");
    static final long LKEY = CStruct.offset(LAYOUT, "lkey");

    private IbvSge() {}
}
