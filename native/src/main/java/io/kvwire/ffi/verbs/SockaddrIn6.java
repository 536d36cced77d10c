package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteOrder;

/**
 * {@code struct sockaddr_in6} of {@code netinet/in.h}. An IPv6 address and port; here, too, is what
 * chooses between the two structs.
 */
final class SockaddrIn6 {

    static final StructLayout LAYOUT =
            CStruct.of(
                    "sockaddr_in6",
                    JAVA_SHORT.withName("sin6_family"),
                    JAVA_SHORT.withName("sin6_port"),
                    JAVA_INT.withName("sin6_flowinfo"),
                    CStruct.structOf(MemoryLayout.sequenceLayout(4, JAVA_INT).withName("s6_addr32"))
                            .withName("sin6_addr"),
                    JAVA_INT.withName("sin6_scope_id"));

    static final long FAMILY = CStruct.offset(LAYOUT, "sin6_family");
    static final long PORT = CStruct.offset(LAYOUT, "sin6_port");
    static final long ADDR = CStruct.offset(LAYOUT, "sin6_addr");
    static final long SCOPE_ID = CStruct.offset(LAYOUT, "sin6_scope_id");

    private static final short AF_INET = 2;
    private static final short AF_INET6 = 10;
    private static final ValueLayout.OfShort NETWORK_SHORT =
            JAVA_SHORT.withOrder(ByteOrder.BIG_ENDIAN);

    private SockaddrIn6() {}

    /** {@return the address in one of the two structs, whichever fits it} */
    static MemorySegment write(SegmentAllocator allocator, InetSocketAddress address) {
        return switch (address.getAddress()) {
            case Inet4Address four -> {
                var struct = allocator.allocate(SockaddrIn.LAYOUT);
                struct.set(JAVA_SHORT, SockaddrIn.FAMILY, AF_INET);
                struct.set(NETWORK_SHORT, SockaddrIn.PORT, (short) address.getPort());
                copy(four.getAddress(), struct, SockaddrIn.ADDR);
                yield struct;
            }
            case Inet6Address six -> {
                var struct = allocator.allocate(LAYOUT);
                struct.set(JAVA_SHORT, FAMILY, AF_INET6);
                struct.set(NETWORK_SHORT, PORT, (short) address.getPort());
                copy(six.getAddress(), struct, ADDR);
                struct.set(JAVA_INT, SCOPE_ID, six.getScopeId());
                yield struct;
            }
            case null, default ->
                    throw new IllegalArgumentException("host " + address + " was not looked up");
        };
    }

    /** {@return the address in one of the two structs, which its family tells; else a wildcard} */
    static InetSocketAddress read(MemorySegment struct) {
        boolean six = struct.get(JAVA_SHORT, FAMILY) == AF_INET6;
        long from = six ? ADDR : SockaddrIn.ADDR;
        var bytes = struct.asSlice(from, six ? 16 : 4).toArray(JAVA_BYTE);
        int port = Short.toUnsignedInt(struct.get(NETWORK_SHORT, PORT));
        try {
            return new InetSocketAddress(InetAddress.getByAddress(bytes), port);
        } catch (UnknownHostException e) {
            throw new AssertionError("4 or 16 bytes are an address", e);
        }
    }

    private static void copy(byte[] bytes, MemorySegment to, long offset) {
        MemorySegment.copy(bytes, 0, to, JAVA_BYTE, offset, bytes.length);
    }
}
