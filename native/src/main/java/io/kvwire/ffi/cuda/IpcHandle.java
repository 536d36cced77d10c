package io.kvwire.ffi.cuda;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * By what a process opens memory, or an event, of another one on the same host. Equal handles name
 * the same memory. Immutable and thread-safe.
 */
public final class IpcHandle {
    /** The length of a handle. */
    public static final int BYTES = Structs.IPC_HANDLE_BYTES;

    private final byte[] bytes;

    private IpcHandle(byte... bytes) {
        this.bytes = bytes;
    }

    /**
     * {@return a handle that another process has sent}
     *
     * @param bytes {@value #BYTES} of them
     * @throws TransferException with {@link ErrorCode#MALFORMED} when it is not as long
     */
    public static IpcHandle of(byte... bytes) {
        if (bytes.length != BYTES) {
            throw new TransferException(
                    ErrorCode.MALFORMED,
                    "an IPC handle of " + bytes.length + " bytes, it has " + BYTES);
        }
        return new IpcHandle(bytes.clone());
    }

    static IpcHandle filled(String what, Calls.NumberCall call) {
        try (var arena = Arena.ofConfined()) {
            var struct = arena.allocate(Structs.IPC_HANDLE);
            Calls.status(what, () -> call.invoke(struct));
            return new IpcHandle(struct.toArray(JAVA_BYTE));
        }
    }

    MemorySegment struct(Arena arena) {
        var struct = arena.allocate(Structs.IPC_HANDLE);
        MemorySegment.copy(bytes, 0, struct, JAVA_BYTE, 0, BYTES);
        return struct;
    }

    /** {@return the bytes to send} */
    public byte[] bytes() {
        return bytes.clone();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof IpcHandle handle && Arrays.equals(bytes, handle.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    @Override
    public String toString() {
        return HexFormat.of().formatHex(bytes);
    }
}
