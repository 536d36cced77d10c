package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.StructLayout;

/** {@code struct ibv_ah_attr} of {@code infiniband/verbs.h}. Where packets go. */
final class IbvAhAttr {

    static final StructLayout LAYOUT =
            CStruct.of(
                    "ibv_ah_attr",
                    IbvGlobalRoute.LAYOUT.withName("grh"),
                    JAVA_SHORT.withName("dlid"),
                    JAVA_BYTE.withName("sl"),
                    JAVA_BYTE.withName("src_path_bits"),
                    JAVA_BYTE.withName("static_rate"),
                    JAVA_BYTE.withName("is_global"),
                    JAVA_BYTE.withName("port_num"));

    static final long GRH = CStruct.offset(LAYOUT, "grh");
    static final long DLID = CStruct.offset(LAYOUT, "dlid");
    static final long SL = CStruct.offset(LAYOUT, "sl");
    static final long IS_GLOBAL = CStruct.offset(LAYOUT, "is_global");
    static final long PORT_NUM = CStruct.offset(LAYOUT, "port_num");

    private IbvAhAttr() {}
}
