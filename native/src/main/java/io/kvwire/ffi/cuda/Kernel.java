package io.kvwire.ffi.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;

/**
 * A kernel and its arguments, which stay as set until they are set anew; a launch takes them as
 * they are. Where the driver tells the sizes of parameters (CUDA 12.4 and newer), an argument of
 * another size is refused. Confined to one thread at a time.
 */
public final class Kernel implements AutoCloseable {
    private static final int MOST = 16;
    private static final int SLOT_BYTES = 128;
    private static final int UNKNOWN = -1;

    private final String name;
    private final long handle;
    private final int[] sizes;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment slots = arena.allocate((long) MOST * SLOT_BYTES, SLOT_BYTES);
    private final MemorySegment pointers = arena.allocate(ADDRESS, MOST);
    private int set;

    Kernel(String name, long handle) {
        this.name = name;
        this.handle = handle;
        sizes = sizes(handle);
        for (int i = 0; i < MOST; i++) {
            pointers.setAtIndex(ADDRESS, i, slots.asSlice((long) i * SLOT_BYTES, SLOT_BYTES));
        }
    }

    private static int[] sizes(long handle) {
        var info = Cu.FUNC_GET_PARAM_INFO;
        if (info.isEmpty()) {
            return new int[] {UNKNOWN};
        }
        var found = new ArrayList<Integer>();
        try (var own = Arena.ofConfined()) {
            var offset = own.allocate(JAVA_LONG);
            var size = own.allocate(JAVA_LONG);
            for (int i = 0; i <= MOST; i++) {
                long index = i;
                int status =
                        Calls.raw(
                                "cuFuncGetParamInfo",
                                () ->
                                        (int)
                                                info.orElseThrow()
                                                        .invokeExact(handle, index, offset, size));
                if (status != 0) {
                    break;
                }
                found.add((int) size.get(JAVA_LONG, 0));
            }
        }
        return found.stream().mapToInt(Integer::intValue).toArray();
    }

    long handle() {
        return handle;
    }

    /** {@return the function's name} */
    public String name() {
        return name;
    }

    /** {@return the arguments, all set} */
    MemorySegment arguments() {
        boolean known = sizes.length != 1 || sizes[0] != UNKNOWN;
        if (known && set != (1 << sizes.length) - 1) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    name + " has " + sizes.length + " arguments, not all of them are set");
        }
        return pointers;
    }

    /**
     * Sets an argument that is an address, or a 64-bit number.
     *
     * @param index from 0
     * @param value of the device's memory, where it is an address
     */
    public void argument(int index, long value) {
        slots.set(JAVA_LONG, slot(index, Long.BYTES), value);
    }

    /**
     * Sets an argument that is a 32-bit number.
     *
     * @param index from 0
     * @param value signed or not
     */
    public void argument(int index, int value) {
        slots.set(JAVA_INT, slot(index, Integer.BYTES), value);
    }

    /**
     * Sets an argument that is a floating-point number.
     *
     * @param index from 0
     * @param value of 32 bits
     */
    public void argument(int index, float value) {
        slots.set(JAVA_FLOAT, slot(index, Float.BYTES), value);
    }

    /**
     * Sets an argument that is a struct.
     *
     * @param index from 0
     * @param value its bytes; copied
     */
    public void argument(int index, MemorySegment value) {
        long at = slot(index, value.byteSize());
        MemorySegment.copy(value, 0, slots, at, value.byteSize());
    }

    private long slot(int index, long bytes) {
        boolean known = sizes.length != 1 || sizes[0] != UNKNOWN;
        int count = known ? sizes.length : MOST;
        if (index < 0 || index >= count || bytes > SLOT_BYTES) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    name + " has " + count + " arguments, there is no number " + index);
        }
        if (known && sizes[index] != bytes) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    "argument "
                            + index
                            + " of "
                            + name
                            + " has "
                            + sizes[index]
                            + " bytes, not "
                            + bytes);
        }
        set |= 1 << index;
        return (long) index * SLOT_BYTES;
    }

    @Override
    public void close() {
        arena.close();
    }
}
