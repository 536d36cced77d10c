package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.StructLayout;

/**
 * {@code struct ibv_global_route} of {@code infiniband/verbs.h}. The part of an address that
 * crosses networks.
 */
final class IbvGlobalRoute {

    static final StructLayout LAYOUT =
            CStruct.of(
                    "ibv_global_route",
                    Gid.UNION.withName("dgid"),
                    JAVA_INT.withName("flow_label"),
                    JAVA_BYTE.withName("sgid_index"),
                    JAVA_BYTE.withName("hop_limit"),
                    JAVA_BYTE.withName("traffic_class"));

    static final long DGID = CStruct.offset(LAYOUT, "dgid");
    static final long FLOW_LABEL = CStruct.offset(LAYOUT, "flow_label");
    static final long SGID_INDEX = CStruct.offset(LAYOUT, "sgid_index");
    static final long HOP_LIMIT = CStruct.offset(LAYOUT, "hop_limit");
    static final long TRAFFIC_CLASS = CStruct.offset(LAYOUT, "traffic_class");

    private IbvGlobalRoute() {}
}
