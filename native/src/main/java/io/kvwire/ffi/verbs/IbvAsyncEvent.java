package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.StructLayout;

/**
 * {@code struct ibv_async_event} of {@code infiniband/verbs.h}. Something that happened to a device
 * or to one of its objects.
 */
final class IbvAsyncEvent {

    static final StructLayout LAYOUT =
            CStruct.of(
                    "ibv_async_event",
                    CStruct.unionOf(ADDRESS.withName("qp"), JAVA_INT.withName("port_num"))
                            .withName("element"),
                    JAVA_INT.withName("event_type"));

    static final long ELEMENT = CStruct.offset(LAYOUT, "element");
    static final long EVENT_TYPE = CStruct.offset(LAYOUT, "event_type");

    private IbvAsyncEvent() {}
}
