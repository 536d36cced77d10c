package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.StructLayout;

/** {@code struct ibv_gid_entry} of {@code infiniband/verbs.h}. One address of a port. */
final class IbvGidEntry {

    static final StructLayout LAYOUT =
            CStruct.of(
                    "ibv_gid_entry",
                    Gid.UNION.withName("gid"),
                    JAVA_INT.withName("gid_index"),
                    JAVA_INT.withName("port_num"),
                    JAVA_INT.withName("gid_type"),
                    JAVA_INT.withName("ndev_ifindex"));

    static final long GID = CStruct.offset(LAYOUT, "gid");
    static final long GID_INDEX = CStruct.offset(LAYOUT, "gid_index");
    static final long PORT_NUM = CStruct.offset(LAYOUT, "port_num");
    static final long GID_TYPE = CStruct.offset(LAYOUT, "gid_type");
    static final long NDEV_IFINDEX = CStruct.offset(LAYOUT, "ndev_ifindex");

    private IbvGidEntry() {}
}
