package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.StructLayout;

/**
 * {@code struct ibv_mw_bind_info} of {@code infiniband/verbs.h}. What a memory window is to show.
 */
final class IbvMwBindInfo {

    static final StructLayout LAYOUT =
            CStruct.of(
                    "ibv_mw_bind_info",
                    ADDRESS.withName("mr"),
                    JAVA_LONG.withName("addr"),
                    JAVA_LONG.withName("length"),
                    JAVA_INT.withName("mw_access_flags"));

    static final long MR = CStruct.offset(LAYOUT, "mr");
    static final long ADDR = CStruct.offset(LAYOUT, "addr");
    static final long LENGTH = CStruct.offset(LAYOUT, "length");
    static final long MW_ACCESS_FLAGS = CStruct.offset(LAYOUT, "mw_access_flags");

    private IbvMwBindInfo() {}
}
