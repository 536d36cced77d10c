package io.kvwire.ffi;

import java.lang.foreign.Arena;
import java.lang.foreign.GroupLayout;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.UnionLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Layouts of C structs, laid out as a C compiler does it: each field at its natural alignment.
 *
 * <p>A layout bears the name of its struct and each field the name it has in the C header, so that
 * a test can ask a C compiler for every offset. Thread-safe.
 *
 * {@snippet :
 * static final StructLayout LAYOUT =
 *         CStruct.of("ibv_sge", JAVA_LONG.withName("addr"), JAVA_INT.withName("length"));
 * static final long LENGTH = CStruct.offset(LAYOUT, "length");
 * }
 */
public final class CStruct {

    private CStruct() {}

    /**
     * Lays out a struct.
     *
     * @param name its name in C
     * @param fields its fields in order, named; padding is added between and after them
     * @return the layout
     */
    public static StructLayout of(String name, MemoryLayout... fields) {
        return structOf(fields).withName(name);
    }

    /**
     * Lays out a struct that has no name of its own, inside another one.
     *
     * @param fields its fields in order, named
     * @return the layout
     */
    public static StructLayout structOf(MemoryLayout... fields) {
        var members = new ArrayList<MemoryLayout>();
        long offset = 0;
        long alignment = 1;
        for (var field : fields) {
            offset = pad(members, offset, field.byteAlignment());
            members.add(field);
            offset += field.byteSize();
            alignment = Math.max(alignment, field.byteAlignment());
        }
        pad(members, offset, alignment);
        return MemoryLayout.structLayout(members.toArray(MemoryLayout[]::new));
    }

    /**
     * Lays out a union.
     *
     * @param members its members, named
     * @return the layout, whose size is a multiple of its alignment
     */
    public static UnionLayout unionOf(MemoryLayout... members) {
        var union = MemoryLayout.unionLayout(members);
        long size = roundUp(union.byteSize(), union.byteAlignment());
        if (size == union.byteSize()) {
            return union;
        }
        var padded = Arrays.copyOf(members, members.length + 1);
        padded[members.length] = MemoryLayout.paddingLayout(size);
        return MemoryLayout.unionLayout(padded);
    }

    /**
     * {@return where a field starts, in bytes from the start of the struct}
     *
     * @param layout the struct
     * @param path the field's name, preceded by the names of the structs and unions it lies in
     */
    public static long offset(GroupLayout layout, String... path) {
        return layout.byteOffset(
                Arrays.stream(path).map(PathElement::groupElement).toArray(PathElement[]::new));
    }

    /**
     * {@return the memory of a struct that C code owns}
     *
     * @param address where it starts; not {@code NULL}. Nothing keeps the memory alive.
     * @param layout what lies there
     */
    @SuppressWarnings("restricted") // what an ffi package is for
    public static MemorySegment at(MemorySegment address, MemoryLayout layout) {
        return address.reinterpret(layout.byteSize(), Arena.global(), null);
    }

    private static long pad(List<MemoryLayout> members, long offset, long alignment) {
        long aligned = roundUp(offset, alignment);
        if (aligned != offset) {
            members.add(MemoryLayout.paddingLayout(aligned - offset));
        }
        return aligned;
    }

    private static long roundUp(long size, long alignment) {
        return (size + alignment - 1) / alignment * alignment;
    }
}
