package io.kvwire.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/**
 * The error number of the C library: how a call captures it, and what it says.
 *
 * <p>A function that sets {@code errno} is bound with {@link #CAPTURE} and takes a segment from
 * {@link #allocate} as its first argument; the JVM may set {@code errno} itself between a call and
 * a later look at it, so there is no other way. A function that returns an error number needs none
 * of this. The numbers named here are those of Linux. Thread-safe.
 */
public final class Errno {

    /** The operation is not permitted, mostly for lack of a capability. */
    public static final int EPERM = 1;

    /** There is no such thing. */
    public static final int ENOENT = 2;

    /** There is no such process, or none that this one can see. */
    public static final int ESRCH = 3;

    /** A signal came first; the call is to be repeated. */
    public static final int EINTR = 4;

    /** It would have to wait, and was told not to; or a limit is reached. */
    public static final int EAGAIN = 11;

    /** No memory, or, where memory is pinned, none left under the limit for locked memory. */
    public static final int ENOMEM = 12;

    /** No permission. */
    public static final int EACCES = 13;

    /** The address is not mapped as the call needs it. */
    public static final int EFAULT = 14;

    /** It is in use. */
    public static final int EBUSY = 16;

    /** An argument is not valid. */
    public static final int EINVAL = 22;

    /** There is no room. */
    public static final int ENOSPC = 28;

    /** The other side of a pipe or socket has closed it. */
    public static final int EPIPE = 32;

    /** The system call is not there. */
    public static final int ENOSYS = 38;

    /** Driver or device do not support it. */
    public static final int EOPNOTSUPP = 95;

    /** The other side has closed the connection, or died. */
    public static final int ECONNRESET = 104;

    /** It took too long. */
    public static final int ETIMEDOUT = 110;

    /** Nobody listens there. */
    public static final int ECONNREFUSED = 111;

    /** To be given when a function is bound that sets {@code errno}. */
    public static final Linker.Option CAPTURE = Linker.Option.captureCallState("errno");

    private static final StructLayout STATE = Linker.Option.captureStateLayout();

    private static final VarHandle NUMBER =
            STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));

    // char *strerror(int errnum)
    private static final MethodHandle STRERROR =
            NativeLibrary.ofC().function("strerror", FunctionDescriptor.of(ADDRESS, JAVA_INT));

    private Errno() {}

    /**
     * {@return a segment that a call can capture into}
     *
     * @param allocator where to take it from
     */
    public static MemorySegment allocate(SegmentAllocator allocator) {
        return allocator.allocate(STATE);
    }

    /**
     * {@return the error number of the call before}
     *
     * @param state the segment that the call captured into
     */
    public static int of(MemorySegment state) {
        return (int) NUMBER.get(state, 0L);
    }

    /**
     * {@return the C library's words for an error number, and the number}
     *
     * @param errno an error number
     */
    public static String describe(int errno) {
        try {
            return CString.read((MemorySegment) STRERROR.invokeExact(errno))
                    + " (errno "
                    + errno
                    + ")";
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError("strerror throws nothing", e);
        }
    }

    /**
     * Makes the exception for a call that failed.
     *
     * @param call what was called, and on what
     * @param errno the error number it left
     * @param advice what to do; may be empty
     * @return an exception whose code fits the number
     */
    public static TransferException failure(String call, int errno, String advice) {
        var message = call + " failed: " + describe(errno);
        return new TransferException(
                code(errno), advice.isEmpty() ? message : message + ". " + advice);
    }

    private static ErrorCode code(int errno) {
        return switch (errno) {
            case ENOMEM, ENOSPC, EAGAIN, EBUSY -> ErrorCode.RESOURCE_EXHAUSTED;
            case EPERM, EACCES -> ErrorCode.ACCESS_DENIED;
            case ENOENT, ENOSYS, EOPNOTSUPP -> ErrorCode.PATH_UNAVAILABLE;
            case EINVAL, EFAULT -> ErrorCode.OUT_OF_RANGE;
            case ETIMEDOUT -> ErrorCode.DEADLINE_EXCEEDED;
            case ECONNREFUSED -> ErrorCode.UNREACHABLE;
            case ESRCH, EPIPE, ECONNRESET -> ErrorCode.PEER_LOST;
            default -> ErrorCode.INTERNAL;
        };
    }
}
