package io.kvwire.ffi.opencl;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.kvwire.ffi.CString;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** The ways in which OpenCL functions say that they failed. */
final class Calls {

    private Calls() {}

    /** A call that returns zero or an error. */
    @FunctionalInterface
    interface StatusCall {
        int invoke() throws Throwable;
    }

    /** A call that returns an object, and stores zero or an error. */
    @FunctionalInterface
    interface ObjectCall {
        MemorySegment invoke(MemorySegment status) throws Throwable;
    }

    static void status(String what, StatusCall call) {
        int status = raw(what, call);
        if (status != 0) {
            throw ErrorName.failure(what, status);
        }
    }

    /** The status, for callers to whom some errors are none. */
    static int raw(String what, StatusCall call) {
        try {
            return call.invoke();
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(what + " throws nothing", e);
        }
    }

    static MemorySegment object(String what, ObjectCall call) {
        try (var arena = Arena.ofConfined()) {
            var status = arena.allocate(JAVA_INT);
            var object = call.invoke(status);
            if (status.get(JAVA_INT, 0) != 0) {
                throw ErrorName.failure(what, status.get(JAVA_INT, 0));
            }
            return object;
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(what + " throws nothing", e);
        }
    }

    /** A number that an info function gives, of at most eight bytes. */
    static long number(MethodHandle function, MemorySegment object, int name) {
        try (var arena = Arena.ofConfined()) {
            var value = arena.allocate(JAVA_LONG);
            status(
                    "query 0x" + Integer.toHexString(name),
                    () -> (int) function.invokeExact(object, name, 8L, value, MemorySegment.NULL));
            return value.get(JAVA_LONG, 0);
        }
    }

    /** A string that an info function gives. */
    static String text(MethodHandle function, MemorySegment object, int name) {
        var what = "query 0x" + Integer.toHexString(name);
        try (var arena = Arena.ofConfined()) {
            var size = arena.allocate(JAVA_LONG);
            status(
                    what,
                    () -> (int) function.invokeExact(object, name, 0L, MemorySegment.NULL, size));
            long bytes = size.get(JAVA_LONG, 0);
            var value = arena.allocate(bytes + 1);
            status(
                    what,
                    () ->
                            (int)
                                    function.invokeExact(
                                            object, name, bytes, value, MemorySegment.NULL));
            return CString.read(value);
        }
    }
}
