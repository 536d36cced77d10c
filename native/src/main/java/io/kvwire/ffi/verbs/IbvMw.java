package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.StructLayout;

/** {@code struct ibv_mw} of {@code infiniband/verbs.h}. A memory window. */
final class IbvMw {

    static final StructLayout LAYOUT =
            CStruct.of(
                    "ibv_mw",
                    ADDRESS.withName("context"),
                    ADDRESS.withName("pd"),
                    JAVA_INT.withName("rkey"),
                    JAVA_INT.withName("handle"),
                    JAVA_INT.withName("type"));

    static final long RKEY = CStruct.offset(LAYOUT, "rkey");

    private IbvMw() {}
}
