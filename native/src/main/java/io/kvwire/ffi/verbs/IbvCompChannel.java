package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.StructLayout;

/**
 * {@code struct ibv_comp_channel} of {@code infiniband/verbs.h}. A channel that wakes whoever waits
 * for completions.
 */
final class IbvCompChannel {

    static final StructLayout LAYOUT =
            CStruct.of(
                    "ibv_comp_channel",
                    ADDRESS.withName("context"),
                    JAVA_INT.withName("fd"),
                    JAVA_INT.withName("refcnt"));

    static final long FD = CStruct.offset(LAYOUT, "fd");

    private IbvCompChannel() {}
}
