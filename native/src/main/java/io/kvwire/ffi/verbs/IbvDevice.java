package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.StructLayout;

/**
 * {@code struct ibv_device} of {@code infiniband/verbs.h}. A device; the list of devices holds
 * pointers to these.
 */
final class IbvDevice {

    static final StructLayout LAYOUT =
            CStruct.of(
                    "ibv_device",
                    CStruct.structOf(ADDRESS.withName("_dummy1"), ADDRESS.withName("_dummy2"))
                            .withName("_ops"),
                    JAVA_INT.withName("node_type"),
                    JAVA_INT.withName("transport_type"),
                    MemoryLayout.sequenceLayout(64, JAVA_BYTE).withName("name"),
                    MemoryLayout.sequenceLayout(64, JAVA_BYTE).withName("dev_name"),
                    MemoryLayout.sequenceLayout(256, JAVA_BYTE).withName("dev_path"),
                    MemoryLayout.sequenceLayout(256, JAVA_BYTE).withName("ibdev_path"));

    static final long NODE_TYPE = CStruct.offset(LAYOUT, "node_type");
    static final long TRANSPORT_TYPE = CStruct.offset(LAYOUT, "transport_type");
    static final long NAME = CStruct.offset(LAYOUT, "name");
    static final long DEV_NAME = CStruct.offset(LAYOUT, "dev_name");
    static final long IBDEV_PATH = CStruct.offset(LAYOUT, "ibdev_path");

    private IbvDevice() {}
}
