package io.kvwire.ffi.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.kvwire.ffi.CString;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.List;

/** What tests ask of the simulated driver: see {@code cuda_simulator.c}. */
final class Simulator {
    private static final MethodHandle TOLERATE = function("sim_tolerate", JAVA_INT);
    private static final MethodHandle FORGET = function("sim_forget");
    private static final MethodHandle DELAY = function("sim_delay", JAVA_INT);
    private static final MethodHandle FAIL = function("sim_fail", ADDRESS, JAVA_INT, JAVA_INT);
    private static final MethodHandle HOLD = function("sim_hold", JAVA_LONG, JAVA_INT);
    private static final MethodHandle LIMIT = function("sim_limit", JAVA_LONG);
    private static final MethodHandle VIOLATIONS =
            CudaLibrary.library().function("sim_violations", FunctionDescriptor.of(ADDRESS));
    private static final MethodHandle LIVE =
            CudaLibrary.library().function("sim_live", FunctionDescriptor.of(JAVA_INT));
    private static final MethodHandle CALLS =
            CudaLibrary.library().function("sim_calls", FunctionDescriptor.of(JAVA_LONG, ADDRESS));

    private Simulator() {}

    private static MethodHandle function(String name, MemoryLayout... parameters) {
        return CudaLibrary.library().function(name, FunctionDescriptor.ofVoid(parameters));
    }

    private interface Call {
        void invoke() throws Throwable;
    }

    private static void call(Call call) {
        try {
            call.invoke();
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** Notes what a program must not do, rather than ending the process. */
    static void tolerate(boolean yes) {
        call(() -> {
            TOLERATE.invokeExact(yes ? 1 : 0);
        });
    }

    static List<String> violations() {
        try {
            return CString.read((MemorySegment) VIOLATIONS.invokeExact()).lines().toList();
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** Forgets violations, and that the device is lost. */
    static void forget() {
        call(() -> {
            FORGET.invokeExact();
        });
    }

    static void delayMicros(int micros) {
        call(() -> {
            DELAY.invokeExact(micros);
        });
    }

    /** Lets a function fail, after so many calls that do not. */
    static void fail(String function, int after, Result result) {
        try (var arena = Arena.ofConfined()) {
            var name = arena.allocateFrom(function);
            call(() -> {
                FAIL.invokeExact(name, after, result.number());
            });
        }
    }

    static void hold(Stream stream, boolean held) {
        call(() -> {
            HOLD.invokeExact(stream.handle(), held ? 1 : 0);
        });
    }

    static void limitBytes(long bytes) {
        call(() -> {
            LIMIT.invokeExact(bytes);
        });
    }

    /** How many things of the driver are open. */
    static int live() {
        try {
            return (int) LIVE.invokeExact();
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    static long calls(String function) {
        try (var arena = Arena.ofConfined()) {
            return (long) CALLS.invokeExact(arena.allocateFrom(function));
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }
}
