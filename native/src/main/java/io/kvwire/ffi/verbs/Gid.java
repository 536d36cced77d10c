package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.Optional;

/**
 * The address of a port: 16 bytes, written like an IPv6 address.
 *
 * @param high its first eight bytes, most significant first
 * @param low its last eight bytes, most significant first
 */
public record Gid(long high, long low) {

    /** {@code union ibv_gid} of {@code infiniband/verbs.h}. */
    static final StructLayout UNION =
            CStruct.structOf(
                    CStruct.structOf(
                                    JAVA_LONG.withName("subnet_prefix"),
                                    JAVA_LONG.withName("interface_id"))
                            .withName("global"));

    /** Number of bytes of an address. */
    public static final int BYTES = 16;

    private static final ValueLayout.OfLong NETWORK_ORDER =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private static final long IPV4_MAPPED = 0xffffL;
    private static final long LINK_LOCAL = 0xfe80_0000_0000_0000L;

    /**
     * {@return the address in some memory}
     *
     * @param memory where it lies
     * @param offset where it starts, in bytes
     */
    public static Gid read(MemorySegment memory, long offset) {
        return new Gid(memory.get(NETWORK_ORDER, offset), memory.get(NETWORK_ORDER, offset + 8));
    }

    /**
     * {@return the address that some bytes stand for}
     *
     * @param bytes 16 bytes
     * @throws IllegalArgumentException when there are not 16
     */
    public static Gid of(byte[] bytes) {
        if (bytes.length != BYTES) {
            throw new IllegalArgumentException("a GID has 16 bytes, not " + bytes.length);
        }
        var buffer = ByteBuffer.wrap(bytes);
        return new Gid(buffer.getLong(), buffer.getLong());
    }

    /**
     * Writes the address.
     *
     * @param memory where to
     * @param offset where it is to start, in bytes
     */
    public void write(MemorySegment memory, long offset) {
        memory.set(NETWORK_ORDER, offset, high);
        memory.set(NETWORK_ORDER, offset + 8, low);
    }

    /** {@return the 16 bytes of the address} */
    public byte[] bytes() {
        return ByteBuffer.allocate(BYTES).putLong(high).putLong(low).array();
    }

    /** {@return whether the address is all zeroes, as an unused entry of a table is} */
    public boolean isZero() {
        return high == 0 && low == 0;
    }

    /** {@return whether packets to it stay on one link ({@code fe80::/64})} */
    public boolean isLinkLocal() {
        return high == LINK_LOCAL;
    }

    /** {@return the IPv4 address it stands for, dotted, or empty} */
    public Optional<String> ipv4() {
        if (high != 0 || low >>> 32 != IPV4_MAPPED) {
            return Optional.empty();
        }
        return Optional.of(
                (low >>> 24 & 0xff)
                        + "."
                        + (low >>> 16 & 0xff)
                        + "."
                        + (low >>> 8 & 0xff)
                        + "."
                        + (low & 0xff));
    }

    /** {@return the address as it is written in sysfs: eight groups of four hexadecimal digits} */
    @Override
    public String toString() {
        var digits = HexFormat.of().formatHex(bytes());
        var text = new StringBuilder(39);
        for (int i = 0; i < digits.length(); i += 4) {
            text.append(i == 0 ? "" : ":").append(digits, i, i + 4);
        }
        return text.toString();
    }
}
