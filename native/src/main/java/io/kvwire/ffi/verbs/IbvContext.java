package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.StructLayout;

/** {@code struct ibv_context} of {@code infiniband/verbs.h}. An open device. */
final class IbvContext {

    static final StructLayout LAYOUT =
            CStruct.of(
                    "ibv_context",
                    ADDRESS.withName("device"),
                    IbvContextOps.LAYOUT.withName("ops"),
                    JAVA_INT.withName("cmd_fd"),
                    JAVA_INT.withName("async_fd"),
                    JAVA_INT.withName("num_comp_vectors"),
                    Pthread.MUTEX.withName("mutex"),
                    ADDRESS.withName("abi_compat"));

    static final long DEVICE = CStruct.offset(LAYOUT, "device");
    static final long OPS = CStruct.offset(LAYOUT, "ops");
    static final long ASYNC_FD = CStruct.offset(LAYOUT, "async_fd");
    static final long NUM_COMP_VECTORS = CStruct.offset(LAYOUT, "num_comp_vectors");

    private IbvContext() {}
}
