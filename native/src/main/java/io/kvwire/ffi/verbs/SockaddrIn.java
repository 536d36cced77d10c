package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.StructLayout;

/** {@code struct sockaddr_in} of {@code netinet/in.h}. An IPv4 address and port. */
final class SockaddrIn {

    static final StructLayout LAYOUT =
            CStruct.of(
                    "sockaddr_in",
                    JAVA_SHORT.withName("sin_family"),
                    JAVA_SHORT.withName("sin_port"),
                    CStruct.structOf(JAVA_INT.withName("s_addr")).withName("sin_addr"),
                    MemoryLayout.sequenceLayout(8, JAVA_BYTE).withName("sin_zero"));

    static final long FAMILY = CStruct.offset(LAYOUT, "sin_family");
    static final long PORT = CStruct.offset(LAYOUT, "sin_port");
    static final long ADDR = CStruct.offset(LAYOUT, "sin_addr");

    private SockaddrIn() {}
}
