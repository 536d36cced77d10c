package io.kvwire.ffi.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** The way in which functions of the driver say that they failed. */
final class Calls {
    private Calls() {}

    /** A call that returns a {@code CUresult}. */
    @FunctionalInterface
    interface StatusCall {
        int invoke() throws Throwable;
    }

    /** A call that returns a {@code CUresult} and stores a number. */
    @FunctionalInterface
    interface NumberCall {
        int invoke(MemorySegment number) throws Throwable;
    }

    static void status(String what, StatusCall call) {
        int status = raw(what, call);
        if (status != 0) {
            throw Result.failure(what, status);
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

    /** A handle, an address or a size that a call stores. */
    static long number(String what, NumberCall call) {
        try (var arena = Arena.ofConfined()) {
            var number = arena.allocate(JAVA_LONG);
            status(what, () -> call.invoke(number));
            return number.get(JAVA_LONG, 0);
        }
    }

    /** A C int that a call stores. */
    static int integer(String what, NumberCall call) {
        try (var arena = Arena.ofConfined()) {
            var number = arena.allocate(JAVA_INT);
            status(what, () -> call.invoke(number));
            return number.get(JAVA_INT, 0);
        }
    }
}
